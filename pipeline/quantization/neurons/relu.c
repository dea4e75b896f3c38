/* Rectified linear units with activations in 0 to 127.
 *
 *     y[t] = min(max(rounded((i[t] + bias) * multiplier, shift), 0), 127)
 */
#include "arithmetic.h"
#include "layers.h"

#define LARGEST 127

void relu(const struct neurons *of, const int32_t *sums, struct events *out)
{
    const unsigned n = of->n, shift = of->shift;
    const int32_t *const bias = of->bias, *const multiplier = of->multiplier;
    for (unsigned k = 0; k < n; k++) {
        const int64_t value = scaled(sums[k] + bias[k], multiplier[k], shift);
        if (value > 0)
            emit_value(out, (uint16_t)k, (uint8_t)(value < LARGEST ? value : LARGEST));
    }
}
