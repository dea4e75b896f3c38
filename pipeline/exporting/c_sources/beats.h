/* The beats of an ECG, for codes that follow them, one channel, sample by sample.
 *
 * A band-pass, the slope, its square, a moving integral and its root give a height; a
 * sample that nothing within its reach exceeds is a peak, and a peak is a beat if it is
 * high enough between the running levels of beats and noise. Where a beat is overdue the
 * threshold sinks. The beat lies where the filtered signal is farthest from 0.
 */
#ifndef BIOSPIKE_BEATS_H
#define BIOSPIKE_BEATS_H

#include "arithmetic.h"
#include "encoder.h"

enum { BITS, WIDTH, REACH, SECOND, LONGEST, B0, C1, C2, DETECTOR_CONSTANTS };
enum {
    TIME, FIRST, INPUT, EARLIER_INPUT, RESIDUE, SUM, SUM_HIGH, SETTLED, BEAT, NOISE,
    LAST_PEAK, INTERVAL, PEAKS, RINGS
};
enum { SHARE = 19661, SLOPE = 43909, BEND = 11141, OVERDUE = 384, FASTEST = 8 };
#define FARTHEST (INT32_C(1) << 15)
#define ONE (INT32_C(1) << 16)

/* Words of a detector's memory. */
static inline int32_t detector_words(const int32_t *k)
{
    return RINGS + k[WIDTH] + k[REACH] + 1 + 2 * k[REACH] + 1;
}

/* The filtered sample of a time, and its place in the ring. */
static inline int32_t *filtered_at(const int32_t *k, int32_t *memory, int32_t time)
{
    const int32_t n = k[WIDTH] + k[REACH] + 1;
    return memory + RINGS + (time + n) % n;
}

static inline int32_t *height_at(const int32_t *k, int32_t *memory, int32_t time)
{
    const int32_t n = 2 * k[REACH] + 1;
    return memory + RINGS + k[WIDTH] + k[REACH] + 1 + (time + n) % n;
}

/* floor(sqrt(number)), digit by digit. */
static inline int32_t root_of(uint64_t number)
{
    uint64_t found = 0, bit = UINT64_C(1) << 60;
    while (bit > number)
        bit >>= 2;
    for (; bit; bit >>= 2) {
        const int above = number >= found + bit;
        number -= above ? found + bit : 0;
        found = (found >> 1) + (above ? bit : 0);
    }
    return (int32_t)found;
}

static inline uint64_t square_of_difference(int32_t a, int32_t b)
{
    return (uint64_t)((int64_t)(a - b) * (a - b));
}

static inline int32_t height_of(const int32_t *k, int32_t *memory, int32_t sample)
{
    const int32_t time = memory[TIME], shifted_in = sample - memory[FIRST];
    const int32_t last = *filtered_at(k, memory, time - 1);
    const int32_t before = *filtered_at(k, memory, time - 2);
    const int64_t total = memory[RESIDUE] +
                          (int64_t)k[B0] * (shifted_in - memory[EARLIER_INPUT]) +
                          (int64_t)k[C1] * last + (int64_t)k[C2] * before;
    const int32_t level = (int32_t)shifted(total, 30);
    uint64_t sum = (uint64_t)(uint32_t)memory[SUM_HIGH] << 32 | (uint32_t)memory[SUM];
    sum += square_of_difference(level, last);
    sum -= square_of_difference(*filtered_at(k, memory, time - k[WIDTH]),
                                *filtered_at(k, memory, time - k[WIDTH] - 1));
    memory[SUM] = (int32_t)(uint32_t)sum;
    memory[SUM_HIGH] = (int32_t)(sum >> 32);
    memory[EARLIER_INPUT] = memory[INPUT];
    memory[INPUT] = shifted_in;
    memory[RESIDUE] = (int32_t)(total & ((INT32_C(1) << 30) - 1));
    *filtered_at(k, memory, time) = level;
    return root_of(sum);
}

/* The part of the threshold that is left, of ONE. */
static inline int32_t sunk_to(const int32_t *memory, int32_t elapsed)
{
    const int64_t limited = elapsed < FARTHEST ? elapsed : FARTHEST;
    const int32_t late = (int32_t)((limited << 16) / memory[INTERVAL]) - OVERDUE;
    const int32_t part = late & 255, octaves = late >> 8;
    if (late <= 0)
        return ONE;
    return (ONE - (part * (SLOPE - (BEND * part >> 8)) >> 8)) >>
           (octaves < 17 ? octaves : 17);
}

/* Whether a peak is a beat; the levels move on. */
static inline int judged(const int32_t *k, int32_t *memory, int32_t height,
                         int32_t centre)
{
    const int32_t noise = memory[NOISE], beat = memory[BEAT];
    const int32_t elapsed = centre - memory[LAST_PEAK];
    const int32_t sunk = sunk_to(memory, elapsed), fresh = ONE - sunk;
    const int64_t share = (int64_t)SHARE * sunk >> 16;
    const int32_t newest = elapsed < k[LONGEST] ? elapsed : k[LONGEST];
    memory[PEAKS] += memory[PEAKS] < FASTEST;
    if (height <= noise + shifted((int64_t)(beat - noise) * share, 16)) {
        memory[NOISE] += (height - noise) / memory[PEAKS];
        return 0;
    }
    if (fresh * memory[PEAKS] > ONE)
        memory[BEAT] += (int32_t)shifted((int64_t)(height - beat) * fresh, 16);
    else
        memory[BEAT] += (height - beat) / memory[PEAKS];
    memory[INTERVAL] += (int32_t)shifted(newest * 256 - memory[INTERVAL], 3);
    memory[LAST_PEAK] = centre;
    return 1;
}

static inline int32_t distance_at(const int32_t *k, int32_t *memory, int32_t time)
{
    const int32_t level = *filtered_at(k, memory, time);
    return level < 0 ? -level : level;
}

static inline int highest(const int32_t *k, int32_t *memory, int32_t height)
{
    const int32_t *const heights = height_at(k, memory, 0);
    for (int32_t n = 0; n <= 2 * k[REACH]; n++)
        if (heights[n] > height)
            return 0;
    return 1;
}

/* Take in a sample; the beat that is now certain, samples since the start, or -1. */
static inline int32_t beat_of(const int32_t *k, int32_t *memory, int32_t sample)
{
    const int32_t centre = memory[TIME] - k[REACH];
    if (!memory[TIME]) {
        memory[FIRST] = sample;
        memory[INTERVAL] = k[SECOND];
        memory[SETTLED] = -k[REACH] - 1;
    }
    *height_at(k, memory, memory[TIME]) = height_of(k, memory, sample);
    memory[TIME]++;
    const int32_t height = *height_at(k, memory, centre);
    if (!height || !highest(k, memory, height))
        return -1;
    const int apart = centre - memory[SETTLED] > k[REACH];
    memory[SETTLED] = centre;
    if (!apart || !judged(k, memory, height, centre))
        return -1;
    int32_t place = centre - k[WIDTH];
    for (int32_t time = place + 1; time <= centre; time++)
        if (distance_at(k, memory, time) > distance_at(k, memory, place))
            place = time;
    return place;
}

/* The shift of a running mean that has taken so many values: larger gains at first. */
static inline int32_t gain_shift(int32_t n_before, int32_t shift)
{
    int32_t digits = 0;
    while ((n_before + 1) >> (digits + 1))
        digits++;
    return digits < shift ? digits : shift;
}

#endif
