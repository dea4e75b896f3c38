/* Leaky integrate-and-fire; a unit of the membrane is the channel's own.
 *
 *     r[t] = u[t-1] > threshold
 *     u[t] = rounded(beta * k[t-1], 15) + i[t] * 2^shift + bias - r[t] * threshold
 *     s[t] = u[t] > threshold
 *
 * with k = u; a reset to zero sets k = 0 where r, and only a reset by subtraction takes
 * the threshold.
 */
#include "arithmetic.h"
#include "count.h"
#include "layers.h"

void leaky(const struct neurons *of, const int32_t *sums, struct events *out)
{
    const unsigned n = of->n;
    const uint32_t unit = UINT32_C(1) << of->shift;
    const int to_zero = of->reset == RESET_ZERO, takes = of->reset == RESET_SUBTRACT;
    const int32_t *const beta = of->beta, *const bias = of->bias;
    int32_t *const membrane = of->membrane;
    COUNT_UPDATES(n);
    for (unsigned k = 0; k < n; k++) {
        const int32_t threshold = of->threshold[k];
        int32_t u = membrane[k];
        uint32_t driven = (uint32_t)sums[k] * unit + (uint32_t)bias[k];
        if (u > threshold) {
            driven -= takes ? (uint32_t)threshold : 0;
            u = to_zero ? 0 : u;
        }
        u = (int32_t)(low(scaled(beta[k], u, LEAK_BITS)) + driven);
        membrane[k] = u;
        if (u > threshold)
            emit_spike(out, (uint16_t)k);
    }
}
