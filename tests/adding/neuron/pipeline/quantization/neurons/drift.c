/* Leaky integrate-and-fire with a constant leak current, whose input comes late.
 *
 *     u[t] = rounded(beta * k[t-1], 15) - decay + g[t-1]    k = u, or 0 if u > threshold
 *     s[t] = u[t] > threshold                               g = i * 2^shift + bias
 */
#include "arithmetic.h"
#include "count.h"
#include "layers.h"

void drift(const struct neurons *of, const int32_t *sums, struct events *out)
{
    const uint32_t unit = UINT32_C(1) << of->shift;
    COUNT_UPDATES(of->n);
    for (uint16_t k = 0; k < of->n; k++) {
        const int32_t before = of->membrane[k];
        const int32_t kept = before > of->threshold[k] ? 0 : before;
        const uint32_t pulled = (uint32_t)of->late[k] - (uint32_t)of->decay[k];
        const int32_t u = (int32_t)(low(scaled(of->beta[k], kept, LEAK_BITS)) + pulled);
        of->membrane[k] = u;
        of->late[k] = (int32_t)((uint32_t)sums[k] * unit + (uint32_t)of->bias[k]);
        if (u > of->threshold[k])
            emit_spike(out, k);
    }
}
