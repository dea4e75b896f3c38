/* Template: what the sums of an event's phases differ by from their running means, which
 * have 8 more binary digits; beats are those of the first channel.
 */
#include "beats.h"

enum {
    BEFORE = DETECTOR_CONSTANTS, PHASE, PHASES, LAG, THRESHOLD, SHIFT, WARM_UP, QUEUE
};
enum { N, OLDEST, WAITING, BEATS };      /* after the detector's */
enum { UNIT_BITS = 8, ENOUGH = 1 << 17 }; /* of samples, and of events */
#define LIMIT (INT32_C(1) << 16)

/* A sample in 1/256, halves to even, within the limit. */
static int32_t sample_of(int32_t level, int32_t scale, int32_t bits)
{
    const int32_t units = biospike_ratio(level, bits, scale), more = bits - UNIT_BITS;
    int32_t sample = (int32_t)rounded(units, (unsigned)more);
    const int half = more && (units & ((1 << more) - 1)) == 1 << more >> 1;
    sample -= half && sample & 1;
    return sample > LIMIT ? LIMIT : sample < -LIMIT ? -LIMIT : sample;
}

/* Code an event of a channel that begins at a time, and take it into its template. */
static void code_event(const struct biospike_part *part, const int32_t *own,
                       int32_t *memory, int32_t begin, uint8_t *spikes, uint32_t first)
{
    const int32_t *const k = part->constants;
    const int32_t n_kept = k[LAG] + k[BEFORE], shift = gain_shift(own[N], k[SHIFT]);
    const int64_t least = (int64_t)k[THRESHOLD] * 256;
    for (int32_t phase = 0; phase < k[PHASES]; phase++) {
        int32_t *const usual = memory + n_kept + phase;
        int32_t sum = 0;
        for (int32_t n = 0; n < k[PHASE]; n++)
            sum += memory[begin++ % n_kept];
        const int32_t different = sum * 256 - *usual;
        if (own[N] >= k[WARM_UP]) {
            if (different > least)
                biospike_fire(spikes, first + (uint32_t)phase);
            if (different < -least)
                biospike_fire(spikes, first + (uint32_t)(k[PHASES] + phase));
        }
        *usual += (int32_t)shifted(different, (unsigned)shift);
    }
}

/* The beat whose event is over, or -1. */
static int32_t over(const int32_t *k, int32_t *own, int32_t found, int32_t clock)
{
    if (found >= 0) {
        own[BEATS + (own[OLDEST] + own[WAITING]) % k[QUEUE]] = found;
        own[WAITING]++;
    }
    if (!own[WAITING] || own[BEATS + own[OLDEST]] != clock)
        return -1;
    own[OLDEST] = (own[OLDEST] + 1) % k[QUEUE];
    own[WAITING]--;
    return clock;
}

biospike_code biospike_template;

void biospike_template(const struct biospike_part *part, const int32_t *levels,
                       const int32_t *scales, uint8_t *spikes)
{
    const int32_t *const k = part->constants;
    int32_t *const own = part->memory + detector_words(k);
    int32_t *const of_channels = own + BEATS + k[QUEUE];
    const int32_t time = part->memory[TIME], lead = part->channels[0];
    const int32_t found = beat_of(k, part->memory,
                                  biospike_ratio(levels[lead], k[BITS], scales[lead]));
    const int32_t beat = over(k, own, found, time - k[LAG]);
    for (uint32_t n = 0; n < part->n_channels; n++) {
        int32_t *const memory = of_channels + n * part->words;
        const int channel = part->channels[n];
        if (beat >= k[BEFORE])
            code_event(part, own, memory, beat - k[BEFORE], spikes,
                       part->first + n * part->features);
        memory[time % (k[LAG] + k[BEFORE])] =
            sample_of(levels[channel], scales[channel], k[BITS]);
    }
    if (beat >= k[BEFORE])
        own[N] += own[N] < ENOUGH;
}
