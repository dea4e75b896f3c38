/* Leaky integrate-and-fire with a slow recovery w, by the symplectic Euler rule.
 *
 *     u[t] = rounded(beta * (m[t-1] + w[t-1]), 15) - w[t-1] + i[t] * 2^shift + bias
 *     s[t] = u[t] > threshold
 *     m[t] = 0, or u[t] - threshold, where s[t], by the reset; else u[t]
 *     w[t] = rounded(rho * w[t-1], 15) + rounded(from_membrane * m[t], 15)
 *            + from_spike * s[t]
 */
#include "arithmetic.h"
#include "count.h"
#include "layers.h"

void adaptive(const struct neurons *of, const int32_t *sums, struct events *out)
{
    const unsigned n = of->n;
    const uint32_t unit = UINT32_C(1) << of->shift;
    const int to_zero = of->reset == RESET_ZERO, takes = of->reset == RESET_SUBTRACT;
    int32_t *const membrane = of->membrane, *const recovery = of->recovery;
    COUNT_UPDATES(n);
    for (unsigned k = 0; k < n; k++) {
        const int32_t w = recovery[k], threshold = of->threshold[k];
        const uint32_t driven = (uint32_t)sums[k] * unit + (uint32_t)of->bias[k];
        uint32_t after = low(scaled(of->rho[k], w, LEAK_BITS));
        int32_t m = (int32_t)(low(scaled(of->beta[k], membrane[k] + w, LEAK_BITS)) +
                              driven - (uint32_t)w);
        if (m > threshold) {
            emit_spike(out, (uint16_t)k);
            after += (uint32_t)of->from_spike[k];
            m = to_zero ? 0 : takes ? m - threshold : m;
        }
        membrane[k] = m;
        after += low(scaled(of->from_membrane[k], m, LEAK_BITS));
        recovery[k] = (int32_t)after;
    }
}
