/* Leaky integrate-and-fire whose threshold rises with each spike and falls back.
 *
 *     r[t] = u[t-1] > threshold + a[t-1]
 *     a[t] = rounded(rho * a[t-1], 15) + r[t] * jump
 *     u[t] = rounded(beta * k, 15) + i[t] * 2^shift + bias - r[t] * (threshold + a[t-1])
 *     s[t] = u[t] > threshold + a[t]
 *
 * with k = u; a reset to zero sets k = 0 where r, and only a reset by subtraction takes
 * the threshold.
 */
#include "arithmetic.h"
#include "count.h"
#include "layers.h"

void adaptive_threshold(const struct neurons *of, const int32_t *sums, struct events *out)
{
    const unsigned n = of->n;
    const uint32_t unit = UINT32_C(1) << of->shift;
    const int to_zero = of->reset == RESET_ZERO, takes = of->reset == RESET_SUBTRACT;
    int32_t *const membrane = of->membrane, *const raised = of->raised;
    COUNT_UPDATES(n);
    for (unsigned k = 0; k < n; k++) {
        const int32_t crossed = of->threshold[k] + raised[k];
        int32_t u = membrane[k], a = (int32_t)scaled(of->rho[k], raised[k], LEAK_BITS);
        uint32_t driven = (uint32_t)sums[k] * unit + (uint32_t)of->bias[k];
        if (u > crossed) {
            a += of->jump[k];
            driven -= takes ? (uint32_t)crossed : 0;
            u = to_zero ? 0 : u;
        }
        u = (int32_t)(low(scaled(of->beta[k], u, LEAK_BITS)) + driven);
        membrane[k] = u;
        raised[k] = a;
        if (u > of->threshold[k] + a)
            emit_spike(out, (uint16_t)k);
    }
}
