/* The read-out of exponential traces. */
#include "arithmetic.h"
#include "count.h"
#include "read_out.h"
#include "rows.h"

static const struct read_out *const read_out = &biospike_model.read_out;
static int32_t sums[BIOSPIKE_TRACES];

void read_out_reset(void)
{
    for (int k = 0; k < BIOSPIKE_TRACES; k++)
        read_out->trace[k] = 0;
}

void read_out_step(const struct events *events)
{
    const uint32_t unit = UINT32_C(1) << read_out->up;
    for (int k = 0; k < BIOSPIKE_TRACES; k++)
        sums[k] = 0;
    list_rows(events, read_out->weights, BIOSPIKE_TRACES);
    add_listed(events->value != NULL, sums, BIOSPIKE_TRACES);
    COUNT_UPDATES(BIOSPIKE_TRACES);
    for (int k = 0; k < BIOSPIKE_TRACES; k++) {
        const uint32_t driven = (uint32_t)sums[k] * unit + (uint32_t)read_out->bias[k];
        const int64_t kept = scaled(read_out->alpha[k], read_out->trace[k], LEAK_BITS);
        read_out->trace[k] = (int32_t)(low(kept) + driven);
    }
}

void read_out_logits(int32_t logits[BIOSPIKE_CLASSES])
{
    for (int k = 0; k < BIOSPIKE_CLASSES; k++) {
        uint32_t logit = 0;
        for (int trace = k; trace < BIOSPIKE_TRACES; trace += BIOSPIKE_CLASSES)
            logit += low(scaled(read_out->trace[trace], read_out->multiplier[trace],
                                read_out->shift));
        logits[k] = (int32_t)logit;
    }
}
