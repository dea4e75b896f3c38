#include "biospike.h"

/* The last steps, a ring; `next` is the oldest, and the next to be written. Those that
 * nothing goes back to are not kept. */
#ifdef BIOSPIKE_WINDOW
enum { KEPT = BIOSPIKE_STEPS };
#else
enum { KEPT = 1 };
#endif
static uint8_t steps[KEPT][BIOSPIKE_SPIKE_BYTES];
static uint16_t next;
static uint16_t settling; /* steps that are still left out */

void biospike_reset(void)
{
    for (int step = 0; step < KEPT; step++)
        for (int byte = 0; byte < BIOSPIKE_SPIKE_BYTES; byte++)
            steps[step][byte] = 0;
    next = 0;
    settling = BIOSPIKE_SETTLING;
    biospike_front_end_reset();
    biospike_network_reset();
}

int biospike_push(const int32_t sample[BIOSPIKE_CHANNELS])
{
    if (!biospike_front_end_push(sample, steps[next]))
        return 0;
    if (settling) {
        settling--;
        return 0;
    }
#ifndef BIOSPIKE_RESTARTS
    biospike_network_step(steps[next]);
#endif
    next = (uint16_t)(next + 1 < KEPT ? next + 1 : 0);
    return 1;
}

const uint8_t *biospike_newest(void)
{
    return steps[next ? next - 1 : KEPT - 1];
}

#ifdef BIOSPIKE_WINDOW
void biospike_start_anew(void)
{
    biospike_network_reset();
    for (uint16_t step = next; step < KEPT; step++)
        biospike_network_step(steps[step]);
    for (uint16_t step = 0; step < next; step++)
        biospike_network_step(steps[step]);
}
#endif

int biospike_decide(int32_t logits[BIOSPIKE_CLASSES])
{
#ifdef BIOSPIKE_RESTARTS
    biospike_start_anew();
#else
    if (!biospike_network_is_complete())
        return -1;
#endif
    biospike_network_read(logits);
    return biospike_argmax(logits);
}
