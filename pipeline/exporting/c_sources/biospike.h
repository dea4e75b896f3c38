/* The complete chain: samples of a converter in, decisions out. */
#ifndef BIOSPIKE_H
#define BIOSPIKE_H

#include "front_end.h"
#include "network.h"

/* Forget all samples. */
void biospike_reset(void);

/* Take in one sample of each channel; 1 if a step of spikes came out, else 0. */
int biospike_push(const int32_t sample[BIOSPIKE_CHANNELS]);

/* The spikes of the step that came out last. */
const uint8_t *biospike_newest(void);

/* Classify the last BIOSPIKE_STEPS steps; missing steps are silent. Returns the class;
 * more samples may be pushed afterwards. */
int biospike_decide(int32_t logits[BIOSPIKE_CLASSES]);

#endif
