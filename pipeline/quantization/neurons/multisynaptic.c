/* Leaky integrate-and-fire whose events say how many of its thresholds it passed.
 *
 *     u[t] = rounded(beta * k[t-1], 15) + i[t] * 2^shift + bias
 *     s[t] = the number of j in 0 to most - 1 with u[t] > threshold + j * apart
 *
 * with k = 0 where u > threshold, else u. With one threshold events are spikes.
 */
#include "arithmetic.h"
#include "count.h"
#include "layers.h"

void multisynaptic(const struct neurons *of, const int32_t *sums, struct events *out)
{
    const unsigned n = of->n;
    const uint32_t unit = UINT32_C(1) << of->shift;
    int32_t *const membrane = of->membrane;
    COUNT_UPDATES(n);
    for (unsigned k = 0; k < n; k++) {
        const int32_t apart = of->apart[k];
        const uint32_t driven = (uint32_t)sums[k] * unit + (uint32_t)of->bias[k];
        int32_t u = membrane[k], next = of->threshold[k], passed = 0;
        u = u > next ? 0 : u;
        u = (int32_t)(low(scaled(of->beta[k], u, LEAK_BITS)) + driven);
        membrane[k] = u;
        for (; passed < of->most && u > next; passed++)
            next += apart;
        if (passed && out->value)
            emit_value(out, (uint16_t)k, (uint8_t)passed);
        else if (passed)
            emit_spike(out, (uint16_t)k);
    }
}
