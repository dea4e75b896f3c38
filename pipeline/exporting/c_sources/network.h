/* The network: steps of spikes in, a logit a class out.
 *
 * One network, one thread: its state is static. Nothing is allocated.
 */
#ifndef BIOSPIKE_NETWORK_H
#define BIOSPIKE_NETWORK_H

#include "model.h"

/* Classify a window alone: BIOSPIKE_STEPS steps of BIOSPIKE_SPIKE_BYTES bytes; feature f
 * is bit f % 8 of byte f / 8, and the bits after the last feature are 0. */
void biospike_classify(const uint8_t *spikes, int32_t logits[BIOSPIKE_CLASSES]);

/* The class with the largest logit, of equals the first. */
int biospike_argmax(const int32_t logits[BIOSPIKE_CLASSES]);

/* The same in parts, for as many steps as come: forget, take a step in, read. A reading
 * changes nothing. Of rates it is about the newest steps, as many as a window has; of
 * traces about all steps, the newer the more. */
void biospike_network_reset(void);
void biospike_network_step(const uint8_t spikes[BIOSPIKE_SPIKE_BYTES]);
void biospike_network_read(int32_t logits[BIOSPIKE_CLASSES]);

/* 1 if the newest step is in the last layer's outputs, 0 if its stride awaits more. */
int biospike_network_is_complete(void);

#endif
