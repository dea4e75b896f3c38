/* Neurons that inhibit each other, driven through a decaying synaptic current g.
 *
 *     v[t] = rounded(beta * v[t-1], 15) + g[t-1]
 *     s[t] = v[t] >= threshold; if more than `winners` neurons are, only the furthest
 *            above fire (of equals the first)
 *     v[t] -> 0 where s[t]; each spike takes `inhibition` from all other neurons
 *     g[t] = rounded(alpha * g[t-1], 15) + i[t] * 2^shift
 */
#include "arithmetic.h"
#include "count.h"
#include "layers.h"

static int fires(const struct events *spikes, uint16_t neuron)
{
    for (uint16_t k = 0; k < spikes->n; k++)
        if (spikes->channel[k] == neuron)
            return 1;
    return 0;
}

/* Keep the list ascending, as its readers expect. */
static void insert(struct events *spikes, uint16_t neuron)
{
    uint16_t place = spikes->n++;
    for (; place > 0 && spikes->channel[place - 1] > neuron; place--)
        spikes->channel[place] = spikes->channel[place - 1];
    spikes->channel[place] = neuron;
}

/* Find the neuron furthest above threshold that does not fire yet; n if none is. */
static uint16_t furthest(const struct neurons *of, const struct events *spikes)
{
    uint16_t best = of->n;
    int64_t margin = -1;
    for (uint16_t k = 0; k < of->n; k++) {
        const int64_t above = (int64_t)of->membrane[k] - of->threshold[k];
        if (above > margin && !fires(spikes, k)) {
            best = k;
            margin = above;
        }
    }
    return best;
}

static void inhibit(const struct neurons *of, uint16_t from, uint16_t to)
{
    COUNT_INHIBITIONS(of->inhibition ? to - from : 0);
    for (uint16_t k = from; k < to; k++)
        of->membrane[k] -= of->inhibition;
}

void competing(const struct neurons *of, const int32_t *sums, struct events *out)
{
    const uint32_t unit = UINT32_C(1) << of->shift;
    COUNT_UPDATES(of->n);
    for (uint16_t k = 0; k < of->n; k++) {
        const uint32_t leaked = low(scaled(of->shared_beta, of->membrane[k], LEAK_BITS));
        const uint32_t current = low(scaled(of->shared_alpha, of->synaptic[k], LEAK_BITS));
        of->membrane[k] = (int32_t)(leaked + (uint32_t)of->synaptic[k]);
        of->synaptic[k] = (int32_t)(current + (uint32_t)sums[k] * unit);
    }
    for (uint16_t k = 0; k < of->winners; k++) {
        const uint16_t winner = furthest(of, out);
        if (winner == of->n)
            break;
        insert(out, winner);
    }
    for (uint16_t k = 0; k < out->n; k++) {
        inhibit(of, 0, out->channel[k]);
        inhibit(of, (uint16_t)(out->channel[k] + 1), of->n);
    }
    for (uint16_t k = 0; k < out->n; k++)
        of->membrane[out->channel[k]] = 0;
}
