/* A neuron that has learned its own map of the membrane.
 *
 *     r[t] = u[t-1] > threshold
 *     x    = min(max(k, -clip), clip)
 *     f    = rounded(beta * k, 15) + a0
 *            + rounded(rounded(x * x, fraction) * (a2 + rounded(a3 * x, fraction)), 14)
 *     u[t] = f + rounded(i[t] * multiplier, shift) + bias - r[t] * threshold
 *     s[t] = u[t] > threshold
 *
 * with k = u; a reset to zero sets k = 0 where r, and only a reset by subtraction takes
 * the threshold.
 */
#include "arithmetic.h"
#include "count.h"
#include "layers.h"

static int32_t clipped(int32_t value, int32_t bound)
{
    return value > bound ? bound : value < -bound ? -bound : value;
}

static int64_t curve(const struct neurons *of, unsigned k, int32_t kept)
{
    const int32_t x = clipped(kept, of->clip[k]);
    const int64_t slope = of->a2[k] + scaled(of->a3[k], x, of->fraction);
    return rounded(scaled(x, x, of->fraction) * slope, CURVE_BITS);
}

void polynomial(const struct neurons *of, const int32_t *sums, struct events *out)
{
    const unsigned n = of->n, shift = of->shift;
    const int to_zero = of->reset == RESET_ZERO, takes = of->reset == RESET_SUBTRACT;
    int32_t *const membrane = of->membrane;
    COUNT_UPDATES(n);
    for (unsigned k = 0; k < n; k++) {
        const int32_t threshold = of->threshold[k];
        int32_t u = membrane[k];
        uint32_t driven = low(scaled(sums[k], of->multiplier[k], shift));
        driven += (uint32_t)of->bias[k] + (uint32_t)of->a0[k];
        if (u > threshold) {
            driven -= takes ? (uint32_t)threshold : 0;
            u = to_zero ? 0 : u;
        }
        driven += low(curve(of, k, u));
        u = (int32_t)(low(scaled(of->beta[k], u, LEAK_BITS)) + driven);
        membrane[k] = u;
        if (u > threshold)
            emit_spike(out, (uint16_t)k);
    }
}
