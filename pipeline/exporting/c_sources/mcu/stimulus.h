/* The input of the harness: windows of packed spikes; samples, and the numbers of steps
 * after which to decide, ascending, also those before which the network starts anew. */
#ifndef BIOSPIKE_STIMULUS_H
#define BIOSPIKE_STIMULUS_H

#include "biospike.h"

extern const uint32_t stimulus_windows, stimulus_samples;
extern const uint8_t stimulus_spikes[][BIOSPIKE_STEPS * BIOSPIKE_SPIKE_BYTES];
extern const int32_t stimulus_signal[][BIOSPIKE_CHANNELS];
extern const uint32_t stimulus_n_decisions, stimulus_decisions[];
extern const uint32_t stimulus_n_anew, stimulus_anew[];

#endif
