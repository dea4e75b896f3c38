#include "biospike.h"

/* The last steps, a ring; `next` is the oldest, and the next to be written. */
static uint8_t steps[BIOSPIKE_STEPS][BIOSPIKE_SPIKE_BYTES];
static uint16_t next;

void biospike_reset(void)
{
    for (int step = 0; step < BIOSPIKE_STEPS; step++)
        for (int byte = 0; byte < BIOSPIKE_SPIKE_BYTES; byte++)
            steps[step][byte] = 0;
    next = 0;
    biospike_front_end_reset();
}

int biospike_push(const int32_t sample[BIOSPIKE_CHANNELS])
{
    if (!biospike_front_end_push(sample, steps[next]))
        return 0;
    next = (uint16_t)(next + 1 < BIOSPIKE_STEPS ? next + 1 : 0);
    return 1;
}

const uint8_t *biospike_newest(void)
{
    return steps[next ? next - 1 : BIOSPIKE_STEPS - 1];
}

int biospike_decide(int32_t logits[BIOSPIKE_CLASSES])
{
    biospike_network_reset();
    for (uint16_t step = next; step < BIOSPIKE_STEPS; step++)
        biospike_network_step(steps[step]);
    for (uint16_t step = 0; step < next; step++)
        biospike_network_step(steps[step]);
    biospike_network_read(logits);
    return biospike_argmax(logits);
}
