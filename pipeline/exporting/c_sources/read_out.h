/* From the outputs of the last layer to logits: the one read-out that is compiled in. */
#ifndef BIOSPIKE_READ_OUT_H
#define BIOSPIKE_READ_OUT_H

#include "layers.h"
#include "model.h"

/* Forget all outputs: before the first there is silence. */
void read_out_reset(void);

/* Take in the newest step of the last layer. */
void read_out_step(const struct events *events);

/* Read what is kept of the steps so far; it stays. */
void read_out_logits(int32_t logits[BIOSPIKE_CLASSES]);

#endif
