/* The network: a window of spikes in, a logit a class out.
 *
 * One network, one thread: its state is static. Nothing is allocated.
 */
#ifndef BIOSPIKE_NETWORK_H
#define BIOSPIKE_NETWORK_H

#include "model.h"

/* Classify a window: BIOSPIKE_STEPS steps of BIOSPIKE_SPIKE_BYTES bytes; feature f is bit
 * f % 8 of byte f / 8, and the bits after the last feature are 0. */
void biospike_classify(const uint8_t *spikes, int32_t logits[BIOSPIKE_CLASSES]);

/* The class with the largest logit, of equals the first. */
int biospike_argmax(const int32_t logits[BIOSPIKE_CLASSES]);

/* The same in parts: reset, then BIOSPIKE_STEPS steps and no more, then read. */
void biospike_network_reset(void);
void biospike_network_step(const uint8_t spikes[BIOSPIKE_SPIKE_BYTES]);
void biospike_network_read(int32_t logits[BIOSPIKE_CLASSES]);

#endif
