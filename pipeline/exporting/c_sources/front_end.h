/* From samples of a converter to spikes, as they arrive.
 *
 * One front end, one thread: its state is static. Nothing is allocated.
 */
#ifndef BIOSPIKE_FRONT_END_H
#define BIOSPIKE_FRONT_END_H

#include <stdint.h>

#include "front_end_constants.h"

/* Forget all samples: the next one counts as having been constant for ever. */
void biospike_front_end_reset(void);

/* Take in one sample of each channel. 1 if a step is due: feature f, in the order of the
 * encoder, is then bit f % 8 of byte f / 8. Else 0, and `spikes` stays as it was. */
int biospike_front_end_push(const int32_t sample[BIOSPIKE_CHANNELS],
                            uint8_t spikes[BIOSPIKE_SPIKE_BYTES]);

/* The samples so far that lay at a rail of the converter or beyond, and were clipped
 * there. Behind the converter nothing can overflow, by the bounds of the design. */
uint32_t biospike_front_end_saturations(void);

#endif
