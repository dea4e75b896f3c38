/* Balanced resonate-and-fire: x + jy turns and shrinks, the more so the more it fired.
 *
 *     k    = max(0, cosine - rounded(drag * q[t-1], 15))
 *     x[t] = rounded(k * x[t-1] - sine * y[t-1], 15) + i[t] * 2^shift + bias
 *     y[t] = rounded(sine * x[t-1] + k * y[t-1], 15)
 *     s[t] = x[t] > threshold + rounded(threshold * q[t-1], 15)
 *     q[t] = rounded(rho * q[t-1], 15) + s[t] * 2^15
 */
#include "arithmetic.h"
#include "count.h"
#include "layers.h"

void resonate(const struct neurons *of, const int32_t *sums, struct events *out)
{
    const unsigned n = of->n;
    const uint32_t unit = UINT32_C(1) << of->shift;
    int32_t *const real = of->real, *const imaginary = of->imaginary;
    int32_t *const tired = of->tired;
    COUNT_UPDATES(n);
    for (unsigned k = 0; k < n; k++) {
        const int32_t x = real[k], y = imaginary[k], q = tired[k], sine = of->sine[k];
        const int32_t threshold = of->threshold[k];
        const uint32_t driven = (uint32_t)sums[k] * unit + (uint32_t)of->bias[k];
        int64_t left = of->cosine[k] - scaled(of->drag, q, LEAK_BITS);
        left = left > 0 ? left : 0;
        const int64_t turned = rounded(left * x - (int64_t)sine * y, LEAK_BITS);
        const int32_t after = (int32_t)(low(turned) + driven);
        imaginary[k] = (int32_t)rounded((int64_t)sine * x + left * y, LEAK_BITS);
        real[k] = after;
        tired[k] = (int32_t)scaled(of->rho[k], q, LEAK_BITS);
        if (after > threshold + scaled(threshold, q, LEAK_BITS)) {
            emit_spike(out, (uint16_t)k);
            tired[k] += INT32_C(1) << LEAK_BITS;
        }
    }
}
