/* Rhythm: at a beat the cells of log2 of its interval against running means, and of the
 * spread of intervals; between beats time cells, at fractions of the mean interval.
 * Running means have 8 more binary digits than what they average.
 */
#include "beats.h"

enum { PAUSE = DETECTOR_CONSTANTS, CELLS, CELL_WIDTH, SPREAD_CELLS, SHIFTS };
/* SHIFTS: their number, and they; then the number of fractions, and they, in 1/256. */
enum { WAITING, LAST, N, USUAL, SPREAD, EXPECTED, MEANS }; /* after the detector's */
enum { USUAL_SHIFT = 4, SPREAD_SHIFT = 3, ENOUGH = 1 << 17 };

/* log2(1 + n / 256), in 1/256 octave. */
static const uint8_t mantissas[256] = {
    0, 1, 3, 4, 6, 7, 9, 10, 11, 13, 14, 16, 17, 18, 20, 21, 22, 24, 25, 26, 28, 29,
    30, 32, 33, 34, 36, 37, 38, 40, 41, 42, 44, 45, 46, 47, 49, 50, 51, 52, 54, 55,
    56, 57, 59, 60, 61, 62, 63, 65, 66, 67, 68, 69, 71, 72, 73, 74, 75, 77, 78, 79,
    80, 81, 82, 84, 85, 86, 87, 88, 89, 90, 92, 93, 94, 95, 96, 97, 98, 99, 100, 102,
    103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 116, 117, 118, 119,
    120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132, 133, 134, 135,
    136, 137, 138, 139, 140, 141, 142, 143, 144, 145, 146, 147, 148, 149, 150, 151,
    152, 153, 154, 155, 155, 156, 157, 158, 159, 160, 161, 162, 163, 164, 165, 166,
    167, 168, 169, 169, 170, 171, 172, 173, 174, 175, 176, 177, 178, 178, 179, 180,
    181, 182, 183, 184, 185, 185, 186, 187, 188, 189, 190, 191, 192, 192, 193, 194,
    195, 196, 197, 198, 198, 199, 200, 201, 202, 203, 203, 204, 205, 206, 207, 208,
    208, 209, 210, 211, 212, 212, 213, 214, 215, 216, 216, 217, 218, 219, 220, 220,
    221, 222, 223, 224, 224, 225, 226, 227, 228, 228, 229, 230, 231, 231, 232, 233,
    234, 234, 235, 236, 237, 238, 238, 239, 240, 241, 241, 242, 243, 244, 244, 245,
    246, 247, 247, 248, 249, 249, 250, 251, 252, 252, 253, 254, 255, 255
};

/* log2 of a positive number in 1/256 octave. */
static int32_t octaves(uint32_t number)
{
    int32_t exponent = 0;
    while (number >> exponent > 1)
        exponent++;
    return exponent * 256 + mantissas[((uint64_t)number << 8 >> exponent) & 255];
}

static int32_t moved(int32_t mean, int32_t value, int32_t shift)
{
    return mean + (int32_t)shifted(value * 256 - mean, (unsigned)shift);
}

/* A running mean in the unit of what it averages. */
static int32_t nearest(int32_t mean)
{
    return (int32_t)shifted(mean + 128, 8);
}

/* The cell of a number, 0 being in the middle. */
static int32_t cell_of(const int32_t *k, int32_t number)
{
    const int32_t place = 2 * number + k[CELLS] * k[CELL_WIDTH];
    const int32_t cell = place < 0 ? 0 : place / (2 * k[CELL_WIDTH]);
    return cell < k[CELLS] ? cell : k[CELLS] - 1;
}

/* Fire the cells of what a beat's interval is against those before. */
static void fire_cells(const int32_t *k, const int32_t *own, int32_t level,
                       uint8_t *spikes, uint32_t first)
{
    const int32_t spread = octaves((uint32_t)own[SPREAD] + 1) - (8 + 8) * 256;
    int32_t above = (int32_t)shifted(spread, 8) + k[SPREAD_CELLS] + 1;
    for (int32_t n = 0; n < k[SHIFTS]; n++) {
        const int32_t cell = cell_of(k, level - nearest(own[MEANS + n]));
        biospike_fire(spikes, first + (uint32_t)(n * k[CELLS] + cell));
    }
    above = above < 0 ? 0 : above < k[SPREAD_CELLS] ? above : k[SPREAD_CELLS] - 1;
    biospike_fire(spikes, first + (uint32_t)(k[SHIFTS] * k[CELLS] + above));
}

/* Judge the interval that a beat ends by the means, then move them. */
static void take_beat(const int32_t *k, int32_t *own, int32_t time, uint8_t *spikes,
                      uint32_t first)
{
    const int32_t interval = own[LAST] ? time - (own[LAST] - 1) : 0;
    own[LAST] = time + 1;
    if (interval <= 0 || interval > k[PAUSE])
        return;
    const int32_t level = octaves((uint32_t)interval);
    const int32_t distance = level - nearest(own[USUAL]);
    if (own[N]) {
        fire_cells(k, own, level, spikes, first);
        own[SPREAD] = moved(own[SPREAD], distance < 0 ? -distance : distance,
                            gain_shift(own[N] - 1, SPREAD_SHIFT));
    }
    for (int32_t n = 0; n < k[SHIFTS]; n++)
        own[MEANS + n] =
            moved(own[MEANS + n], level, gain_shift(own[N], k[SHIFTS + 1 + n]));
    own[USUAL] = moved(own[USUAL], level, gain_shift(own[N], USUAL_SHIFT));
    own[EXPECTED] = moved(own[EXPECTED], interval, gain_shift(own[N], USUAL_SHIFT));
    own[N] += own[N] < ENOUGH;
}

/* Fire the time cells that are due so late after the last beat. */
static void wait(const int32_t *k, const int32_t *own, int32_t since, uint8_t *spikes,
                 uint32_t first)
{
    const int32_t *const fractions = k + SHIFTS + 1 + k[SHIFTS];
    const uint32_t cells = (uint32_t)(k[SHIFTS] * k[CELLS] + k[SPREAD_CELLS]);
    for (int32_t n = 0; n < *fractions; n++) {
        const int64_t parts = (int64_t)fractions[1 + n] * own[EXPECTED];
        const int64_t late = (parts + 65535) >> 16;
        if ((late > 1 ? late : 1) == since && since <= k[PAUSE])
            biospike_fire(spikes, first + cells + (uint32_t)n);
    }
}

/* Codes work by a clock that lags by as much as the detector may need. */
static void code_channel(const int32_t *k, int32_t *memory, int32_t sample,
                         uint8_t *spikes, uint32_t first)
{
    int32_t *const own = memory + detector_words(k);
    const int32_t clock = memory[TIME] - k[WIDTH] - k[REACH];
    const int32_t beat = beat_of(k, memory, sample);
    if (beat >= 0)
        own[WAITING] = beat + 1;
    if (own[WAITING] && own[WAITING] - 1 == clock) {
        own[WAITING] = 0;
        take_beat(k, own, clock, spikes, first);
    } else if (own[LAST] && own[N]) {
        wait(k, own, clock - (own[LAST] - 1), spikes, first);
    }
}

biospike_code biospike_rhythm;

void biospike_rhythm(const struct biospike_part *part, const int32_t *levels,
                     const int32_t *scales, uint8_t *spikes)
{
    const int32_t *const k = part->constants;
    for (uint32_t n = 0; n < part->n_channels; n++) {
        const int channel = part->channels[n];
        const int32_t sample = biospike_ratio(levels[channel], k[BITS], scales[channel]);
        code_channel(k, part->memory + n * part->words, sample, spikes,
                     part->first + n * part->features);
    }
}
