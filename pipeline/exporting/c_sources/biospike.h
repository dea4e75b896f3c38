/* The complete chain: samples of a converter in, decisions out. */
#ifndef BIOSPIKE_H
#define BIOSPIKE_H

#include "front_end.h"
#include "network.h"

/* Forget all samples. */
void biospike_reset(void);

/* Take in one sample of each channel; 1 if a step of spikes came out, else 0. A network
 * that runs on takes the step in. The first BIOSPIKE_SETTLING steps are left out: the
 * anti-alias filter delays the signal by so many. */
int biospike_push(const int32_t sample[BIOSPIKE_CHANNELS]);

/* The spikes of the step that came out last. */
const uint8_t *biospike_newest(void);

/* Decide about the signal so far; returns the class, and more samples may be pushed.
 *
 * A network that restarts (BIOSPIKE_RESTARTS) passes the last BIOSPIKE_STEPS steps, of
 * which missing ones are silent. One that runs on reads its last layer, and returns -1
 * where that awaits more steps: push on and ask again, after less than BIOSPIKE_STRIDE.
 */
int biospike_decide(int32_t logits[BIOSPIKE_CLASSES]);

#ifdef BIOSPIKE_WINDOW
/* Forget all but the last BIOSPIKE_STEPS steps: the network starts anew before them. */
void biospike_start_anew(void);
#endif

#endif
