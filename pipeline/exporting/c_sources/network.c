#include "network.h"

#include "count.h"
#include "layers.h"
#include "read_out.h"
#include "rows.h"

static int32_t sums[BIOSPIKE_MOST_SUMS];

#ifdef BIOSPIKE_COUNT
struct counts biospike_counts[BIOSPIKE_LAYERS + 1];
struct counts *counting = biospike_counts;
#define COUNT_LAYER(number) (counting = biospike_counts + (number))
#else
#define COUNT_LAYER(number) ((void)0)
#endif

static void clear(int32_t *values, size_t n)
{
    for (size_t k = 0; k < n; k++)
        values[k] = 0;
}

static void clear_state(int32_t *state, size_t n)
{
    if (state)
        clear(state, n);
}

/* Add what is not 0 in the rows of events, the first of which is that of channel 0. */
static inline void add_sparse(
    const struct events *events, const struct rows *of, const uint16_t *starts)
{
    for (uint16_t k = 0; k < events->n; k++) {
        const uint16_t *const start = starts + events->channel[k];
        const int8_t *weight = of->weights + start[0];
        const int8_t *const end = of->weights + start[1];
        const uint8_t *target = of->targets + start[0];
#ifdef BIOSPIKE_GRADED
        const int32_t factor = events->value ? events->value[k] : 1;
        while (weight != end)
            sums[*target++] += factor * *weight++;
#else
        while (weight != end)
            sums[*target++] += *weight++;
#endif
        COUNT_SPARSE(start[1] - start[0]);
    }
}

/* Take the rows of the events at every tap: complete ones are listed, and added later. */
static inline void take_taps(const struct connections *of)
{
    const uint16_t *starts = of->rows.starts;
    const int8_t *weights = of->rows.weights;
    for (unsigned lag = 0; lag < of->in.span; lag += of->spacing) {
        const struct events events = history_at(&of->in, (uint16_t)lag);
        if (starts) {
            add_sparse(&events, &of->rows, starts);
            starts += of->in.width;
        } else {
            list_rows(&events, weights, of->n_out);
            weights += (size_t)of->in.width * of->n_out;
        }
    }
}

/* Sum the rows of the events at every tap, and of the layer's last outputs if it is
 * recurrent: the newest events that the next part has. */
static void connect(const struct connections *of, const struct history *outputs)
{
    const uint16_t n_out = of->n_out;
    int graded = of->in.value != NULL;
    clear(sums, n_out);
    take_taps(of);
    if (of->own.weights) {
        const struct events before = history_at(outputs, 0);
        if (of->lift) {
            add_listed(graded, sums, n_out);
            for (uint16_t k = 0; k < n_out; k++)
                sums[k] *= INT32_C(1) << of->lift;
        }
        if (of->own.starts)
            add_sparse(&before, &of->own, of->own.starts);
        else
            list_rows(&before, of->own.weights, n_out);
        graded |= before.value != NULL;
    }
    add_listed(graded, sums, n_out);
}

/* Count a step in; true if the targets are due. */
static int is_due(const struct connections *of)
{
    if (--*of->missing)
        return 0;
    *of->missing = of->stride;
    return 1;
}

static const struct history *input_of(uint16_t layer)
{
    return layer < biospike_model.n_layers ? &biospike_model.layers[layer].connections.in
                                           : &biospike_model.read_out.in;
}

void biospike_network_reset(void)
{
    for (uint16_t k = 0; k < biospike_model.n_layers; k++) {
        const struct layer *layer = &biospike_model.layers[k];
        history_reset(&layer->connections.in);
        *layer->connections.missing = layer->connections.stride;
        clear_state(layer->neurons.membrane, layer->neurons.n);
        clear_state(layer->neurons.synaptic, layer->neurons.n);
    }
    history_reset(&biospike_model.read_out.in);
    read_out_reset();
}

/* Pass a step through the layers as far as their strides allow. */
void biospike_network_step(const uint8_t spikes[BIOSPIKE_SPIKE_BYTES])
{
    struct events events = history_open(input_of(0));
    emit_bits(&events, spikes, BIOSPIKE_FEATURES);
    for (uint16_t k = 0; k < biospike_model.n_layers; k++) {
        const struct layer *layer = &biospike_model.layers[k];
        COUNT_LAYER(k);
        history_close(&layer->connections.in, &events);
        if (!is_due(&layer->connections))
            return;
        const struct history *const outputs = input_of((uint16_t)(k + 1));
        connect(&layer->connections, outputs);
        events = history_open(outputs);
        layer->neurons.step(&layer->neurons, sums, &events);
    }
    COUNT_LAYER(biospike_model.n_layers);
    history_close(&biospike_model.read_out.in, &events);
    read_out_step(&events);
}

int biospike_network_is_complete(void)
{
    for (uint16_t k = 0; k < biospike_model.n_layers; k++) {
        const struct connections *of = &biospike_model.layers[k].connections;
        if (*of->missing != of->stride)
            return 0;
    }
    return 1;
}

void biospike_network_read(int32_t logits[BIOSPIKE_CLASSES])
{
    COUNT_LAYER(biospike_model.n_layers);
    read_out_logits(logits);
}

void biospike_classify(const uint8_t *spikes, int32_t logits[BIOSPIKE_CLASSES])
{
    biospike_network_reset();
    for (int step = 0; step < BIOSPIKE_STEPS; step++)
        biospike_network_step(spikes + (size_t)step * BIOSPIKE_SPIKE_BYTES);
    biospike_network_read(logits);
}

int biospike_argmax(const int32_t logits[BIOSPIKE_CLASSES])
{
    int best = 0;
    for (int k = 1; k < BIOSPIKE_CLASSES; k++)
        if (logits[k] > logits[best])
            best = k;
    return best;
}
