#include "network.h"

#include "arithmetic.h"
#include "count.h"
#include "layers.h"
#include "rows.h"

/* The rows of all events of one sum, and the factors of graded events. */
static const int8_t *rows[BIOSPIKE_MOST_ROWS];
#ifdef BIOSPIKE_GRADED
static int32_t factors[BIOSPIKE_MOST_ROWS];
#endif
static int32_t sums[BIOSPIKE_MOST_NEURONS];
static int32_t class_sums[BIOSPIKE_CLASSES];
static uint16_t read_steps, segment;

#ifdef BIOSPIKE_COUNT
struct counts biospike_counts[BIOSPIKE_LAYERS + 1];
struct counts *counting = biospike_counts;
#define COUNT_LAYER(number) (counting = biospike_counts + (number))
#else
#define COUNT_LAYER(number) ((void)0)
#endif

static const struct read_out *const read_out = &biospike_model.read_out;

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

/* List the rows of a step's events below those that are listed; gives their number. */
static size_t list_rows(
    const struct events *events, const int8_t *weights, size_t width, size_t n)
{
    for (uint16_t k = 0; k < events->n; k++) {
#ifdef BIOSPIKE_GRADED
        factors[n] = events->value ? events->value[k] : 1;
#endif
        rows[n++] = weights + events->channel[k] * width;
    }
    return n;
}

static void add_listed(size_t n, int graded, int32_t *to, size_t width)
{
#ifdef BIOSPIKE_GRADED
    if (graded) {
        add_scaled_rows(rows, factors, n, to, width);
        return;
    }
#endif
    (void)graded;
    add_rows(rows, n, to, width);
}

/* Sum the rows of the events at every tap. */
static void connect(const struct connections *of)
{
    const size_t tap_size = (size_t)of->in.width * of->n_out;
    const int8_t *weights = of->weights;
    size_t n = 0;
    for (uint16_t tap = 0; tap < of->taps; tap++, weights += tap_size) {
        const struct events events =
            history_at(&of->in, (uint16_t)(tap * of->spacing));
        n = list_rows(&events, weights, of->n_out, n);
    }
    clear(sums, of->n_out);
    add_listed(n, of->in.value != NULL, sums, of->n_out);
}

/* Count a step in; true if the targets are due. */
static int is_due(const struct connections *of)
{
    if (--*of->missing)
        return 0;
    *of->missing = of->stride;
    return 1;
}

/* Add the rows of the values that a segment has summed up. */
static void close_segment(void)
{
#ifdef BIOSPIKE_GRADED
    const uint16_t width = read_out->in.width;
    const int8_t *row = read_out->weights + (size_t)segment * width * BIOSPIKE_CLASSES;
    size_t n = 0;
    for (uint16_t k = 0; k < width; k++, row += BIOSPIKE_CLASSES)
        if (read_out->graded[k]) {
            factors[n] = read_out->graded[k];
            rows[n++] = row;
        }
    add_listed(n, 1, class_sums, BIOSPIKE_CLASSES);
    clear(read_out->graded, width);
#endif
}

static void read_step(const struct events *events)
{
    const size_t size = (size_t)read_out->in.width * BIOSPIKE_CLASSES;
    while (read_steps >= read_out->ends[segment])
        segment++;
    read_steps++;
    if (read_out->graded) {
        for (uint16_t k = 0; k < events->n; k++)
            read_out->graded[events->channel[k]] += events->value[k];
        if (read_steps == read_out->ends[segment])
            close_segment();
        return;
    }
    const size_t n =
        list_rows(events, read_out->weights + segment * size, BIOSPIKE_CLASSES, 0);
    add_listed(n, 0, class_sums, BIOSPIKE_CLASSES);
}

static void unpack(const uint8_t *spikes, struct events *events)
{
    for (uint16_t first = 0; first < BIOSPIKE_FEATURES; first += 8) {
        uint16_t feature = first;
        for (unsigned bits = *spikes++; bits; bits >>= 1, feature++)
            if (bits & 1)
                emit_spike(events, feature);
    }
}

static const struct history *input_of(uint16_t layer)
{
    return layer < biospike_model.n_layers ? &biospike_model.layers[layer].connections.in
                                           : &read_out->in;
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
    history_reset(&read_out->in);
    clear_state(read_out->graded, read_out->in.width);
    clear(class_sums, BIOSPIKE_CLASSES);
    read_steps = segment = 0;
}

/* Pass a step through the layers as far as their strides allow. */
void biospike_network_step(const uint8_t spikes[BIOSPIKE_SPIKE_BYTES])
{
    struct events events = history_open(input_of(0));
    unpack(spikes, &events);
    for (uint16_t k = 0; k < biospike_model.n_layers; k++) {
        const struct layer *layer = &biospike_model.layers[k];
        COUNT_LAYER(k);
        history_close(&layer->connections.in, &events);
        if (!is_due(&layer->connections))
            return;
        connect(&layer->connections);
        events = history_open(input_of((uint16_t)(k + 1)));
        layer->neurons.step(&layer->neurons, sums, &events);
    }
    COUNT_LAYER(biospike_model.n_layers);
    read_step(&events);
}

void biospike_network_read(int32_t logits[BIOSPIKE_CLASSES])
{
    for (int k = 0; k < BIOSPIKE_CLASSES; k++) {
        const int32_t driven = class_sums[k] + read_out->bias[k];
        logits[k] =
            (int32_t)scaled(driven, read_out->multiplier[k], read_out->shift);
    }
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
