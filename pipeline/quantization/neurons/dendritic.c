/* Integrate-and-fire with dendritic branches, each with its own memory.
 *
 *     d_k[t] = rounded(branch_beta_k * d_k[t-1], 15) + i_k[t] * 2^up_k + bias_k
 *     r[t]   = v[t-1] > threshold
 *     v[t]   = rounded(beta * v[t-1], 15) + sum of d_k[t] - r[t] * threshold
 *     s[t]   = v[t] > threshold
 *
 * Branch k of neuron n of N is number k * N + n.
 */
#include "arithmetic.h"
#include "count.h"
#include "layers.h"

void dendritic(const struct neurons *of, const int32_t *sums, struct events *out)
{
    const unsigned n = of->n, end = n * (unsigned)of->branches;
    const int32_t *const leak = of->branch_beta, *const bias = of->bias, *const up = of->up;
    int32_t *const membrane = of->membrane, *const branch = of->branch;
    COUNT_UPDATES(n);
    for (unsigned k = 0; k < n; k++) {
        const int32_t threshold = of->threshold[k];
        int32_t v = membrane[k];
        uint32_t driven = v > threshold ? -(uint32_t)threshold : 0;
        for (unsigned b = k; b < end; b += n) {
            const uint32_t given = ((uint32_t)sums[b] << up[b]) + (uint32_t)bias[b];
            const uint32_t d = low(scaled(leak[b], branch[b], LEAK_BITS)) + given;
            branch[b] = (int32_t)d;
            driven += d;
        }
        v = (int32_t)(low(scaled(of->beta[k], v, LEAK_BITS)) + driven);
        membrane[k] = v;
        if (v > threshold)
            emit_spike(out, (uint16_t)k);
    }
}
