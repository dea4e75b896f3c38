/* The read-out of sums in segments of the last steps. */
#include "arithmetic.h"
#include "read_out.h"
#include "rows.h"

static const struct read_out *const read_out = &biospike_model.read_out;
static int32_t class_sums[BIOSPIKE_CLASSES];

void read_out_reset(void)
{
    const size_t n = (size_t)read_out->span * read_out->bytes;
    *read_out->newest = 0;
    for (size_t k = 0; k < n; k++)
        read_out->outputs[k] = 0;
}

void read_out_step(const struct events *events)
{
    uint16_t *const newest = read_out->newest;
    *newest = (uint16_t)(*newest + 1 < read_out->span ? *newest + 1 : 0);
    uint8_t *const to = read_out->outputs + (size_t)*newest * read_out->bytes;
    for (uint16_t k = 0; k < read_out->bytes; k++)
        to[k] = 0;
    for (uint16_t k = 0; k < events->n; k++) {
        const uint16_t channel = events->channel[k];
        if (events->value)
            to[channel] = events->value[k];
        else
            to[channel / 8] |= (uint8_t)(1 << channel % 8);
    }
}

/* The outputs of a step of those that are read, the oldest first. */
static const uint8_t *outputs_of(uint16_t step)
{
    const uint32_t place = (uint32_t)*read_out->newest + 1 + step;
    return read_out->outputs + place % read_out->span * read_out->bytes;
}

#ifdef BIOSPIKE_GRADED
/* List the rows of the sums of a segment's activations. */
static void list_sums(uint16_t first, uint16_t end, const int8_t *weights)
{
    const uint16_t width = read_out->in.width;
    for (uint16_t k = 0; k < width; k++)
        read_out->summed[k] = 0;
    for (uint16_t step = first; step < end; step++) {
        const uint8_t *const values = outputs_of(step);
        for (uint16_t k = 0; k < width; k++)
            read_out->summed[k] += values[k];
    }
    for (uint16_t k = 0; k < width; k++, weights += BIOSPIKE_CLASSES)
        if (read_out->summed[k])
            list_row(weights, read_out->summed[k]);
}

/* List the rows of a step's events, times their values. */
static void list_values(const uint8_t *values, const int8_t *weights)
{
    for (uint16_t k = 0; k < read_out->bytes; k++, weights += BIOSPIKE_CLASSES)
        if (values[k])
            list_row(weights, values[k]);
}
#endif

/* List the rows of a step's spikes. */
static void list_spikes(const uint8_t *bytes, const int8_t *weights)
{
    const int8_t **to = biospike_listed.rows + biospike_listed.n;
    for (uint16_t k = 0; k < read_out->bytes; k++, weights += 8 * BIOSPIKE_CLASSES) {
        const int8_t *row = weights;
        for (unsigned bits = bytes[k]; bits; bits >>= 1, row += BIOSPIKE_CLASSES)
            if (bits & 1)
                *to++ = row;
    }
    biospike_listed.n = (size_t)(to - biospike_listed.rows);
}

static void list_events(const uint8_t *outputs, const int8_t *weights)
{
#ifdef BIOSPIKE_GRADED
    if (read_out->in.value) {
        list_values(outputs, weights);
        return;
    }
#endif
    list_spikes(outputs, weights);
}

static void add_segment(uint16_t first, uint16_t end, const int8_t *weights)
{
    const int graded = read_out->in.value != NULL;
#ifdef BIOSPIKE_GRADED
    if (read_out->summed) {
        list_sums(first, end, weights);
        add_listed(1, class_sums, BIOSPIKE_CLASSES);
        return;
    }
#endif
    for (uint16_t step = first; step < end; step++) {
        if (biospike_listed.n + read_out->in.width > BIOSPIKE_MOST_ROWS)
            add_listed(graded, class_sums, BIOSPIKE_CLASSES);
        list_events(outputs_of(step), weights);
    }
    add_listed(graded, class_sums, BIOSPIKE_CLASSES);
}

void read_out_logits(int32_t logits[BIOSPIKE_CLASSES])
{
    const size_t size = (size_t)read_out->in.width * BIOSPIKE_CLASSES;
    uint16_t first = 0;
    for (int k = 0; k < BIOSPIKE_CLASSES; k++)
        class_sums[k] = 0;
    for (uint16_t segment = 0; segment < read_out->segments; segment++) {
        add_segment(first, read_out->ends[segment], read_out->weights + segment * size);
        first = read_out->ends[segment];
    }
    for (int k = 0; k < BIOSPIKE_CLASSES; k++)
        logits[k] = (int32_t)scaled(class_sums[k] + read_out->bias[k],
                                    read_out->multiplier[k], read_out->shift);
}
