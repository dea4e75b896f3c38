/* From filtered samples to spikes: the codes of the encoder, one part after the other.
 *
 * A part's constants and memory are words whose places its own file names; memory is 0
 * before the first sample. All sizes come from the design, which shows that no number
 * can leave its word.
 */
#ifndef BIOSPIKE_ENCODER_H
#define BIOSPIKE_ENCODER_H

#include <stdint.h>

struct biospike_part {
    const int32_t *constants;
    int32_t *memory;
    const uint16_t *channels; /* those that it is given */
    uint16_t n_channels;
    uint32_t words;    /* of memory, a channel */
    uint16_t features; /* of a channel */
    uint16_t first;    /* of its features */
};

/* Code the step's samples of all channels, of which each has its scale: set the bits of
 * the features that fire. */
typedef void biospike_code(const struct biospike_part *part, const int32_t *levels,
                           const int32_t *scales, uint8_t *spikes);

/* Forget all samples. */
void biospike_encoder_reset(void);

/* Code a step by all parts. */
void biospike_encode(const int32_t *levels, const int32_t *scales, uint8_t *spikes);

static inline void biospike_fire(uint8_t *spikes, uint32_t feature)
{
    spikes[feature / 8] |= (uint8_t)(1 << feature % 8);
}

/* Count the events of one sample of a channel, negative for OFF. */
typedef int biospike_events(const int32_t *constants, int32_t *memory, int32_t level,
                            int32_t scale);

/* Code each channel alone: n events fire the first n of the features of their sign. */
static inline void biospike_each(const struct biospike_part *part, const int32_t *levels,
                                 const int32_t *scales, uint8_t *spikes,
                                 biospike_events *events)
{
    uint32_t feature = part->first;
    int32_t *memory = part->memory;
    for (int k = 0; k < part->n_channels; k++) {
        const int channel = part->channels[k];
        int count = events(part->constants, memory, levels[channel], scales[channel]);
        uint32_t fires = feature + (count < 0 ? part->features / 2u : 0);
        for (count = count < 0 ? -count : count; count; count--)
            biospike_fire(spikes, fires++);
        feature += part->features;
        memory += part->words;
    }
}

/* level * 2^bits */
static inline int64_t biospike_raised(int32_t level, int32_t bits)
{
    return (int64_t)level * (INT32_C(1) << bits);
}

/* dividend / divisor to the nearest integer, halves away from 0; divisor > 0. */
static inline int64_t biospike_quotient(int64_t dividend, int64_t divisor)
{
    const uint64_t size = (uint64_t)(dividend < 0 ? -dividend : dividend);
    const uint64_t quotient = (size + (uint64_t)divisor / 2) / (uint64_t)divisor;
    return dividend < 0 ? -(int64_t)quotient : (int64_t)quotient;
}

/* level / scale with fraction bits. */
static inline int32_t biospike_ratio(int32_t level, int32_t bits, int32_t scale)
{
    return (int32_t)biospike_quotient(biospike_raised(level, bits), scale);
}

#endif
