/* From the outputs of the last layer to logits, of the model's one read-out. */
#ifndef BIOSPIKE_READ_OUT_H
#define BIOSPIKE_READ_OUT_H

#include "layers.h"
#include "model.h"

/* Forget all outputs: before the first there is silence. */
void read_out_reset(void);

/* Take in the newest step of the last layer. */
void read_out_step(const struct events *events);

/* Read the last steps; they are kept. */
void read_out_logits(int32_t logits[BIOSPIKE_CLASSES]);

#endif
