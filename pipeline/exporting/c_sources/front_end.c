/* Filter, resample and scale, in integers; encoder.c makes spikes of it.
 *
 *     x0 = clipped sample * 2^fraction
 *     x1 = (e + b0 x0[n] + b1 x0[n-1] + b2 x0[n-2] + c1 x1[n-1] + c2 x1[n-2]) >> 30
 *
 * and so on through the sections; e is what the shift lost a sample ago, so that slow
 * poles do not add up its rounding. The anti-alias filter gives x[m]; then
 *
 *     S[m] = (A S[m-1] >> 32) + (x >> power shift)^2
 *     s[m] = max(root(S) * gain, floor)
 *
 * All constants come from the design, which shows that no number can leave its word.
 */
#include "front_end.h"
#include "arithmetic.h"
#include "encoder.h"

#define SECTIONS BIOSPIKE_SECTIONS
#define TAPS BIOSPIKE_TAPS
#define RAIL INT32_C(8388607)
#define COEFFICIENT_BITS 30
#define REMAINDER ((INT32_C(1) << COEFFICIENT_BITS) - 1)
#define GUESS 24576 /* where the straight line begins that a root is guessed with */

#if defined(__GNUC__) && !defined(__clang__)
#define UNROLLED _Pragma("GCC unroll 8")
#else
#define UNROLLED
#endif

struct channel {
    int32_t past[SECTIONS + 1][2]; /* the last two inputs of each section, and outputs */
    int32_t residues[SECTIONS + 1];
#if TAPS > 1
    int32_t line[2 * TAPS]; /* filtered samples, each twice: all are neighbours */
#endif
    uint64_t power;
};

static struct channel channels[BIOSPIKE_CHANNELS];
static int32_t x[BIOSPIKE_CHANNELS], scales[BIOSPIKE_CHANNELS];
static int32_t ahead; /* samples until the next step, in 1 / BIOSPIKE_UP */
static uint32_t at, saturated;
static uint32_t weight, gain, gain_shift;
static uint8_t has_sample;

static uint32_t upper(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)a * b >> 32);
}

/* The leading zeros of a word that is not 0, rounded down to an even count. */
static uint32_t leading_zeros(uint32_t word)
{
#ifdef __GNUC__
    return (uint32_t)__builtin_clz(word) & 30;
#else
    uint32_t count = 0;
    for (; !(word >> 30); word <<= 2)
        count += 2;
    return count;
#endif
}

/* 2 * sqrt(word), below 2^17, of a word of 2^30 or more: a line, then Heron twice. */
static uint32_t root(uint32_t word)
{
    uint32_t guess = (word >> 17) + (word >> 19) + GUESS;
    guess = (guess + word / guess) >> 1;
    return guess + word / guess;
}

/* A sample within the rails, with fraction bits. */
static int32_t level_of(int32_t sample)
{
    const int32_t inside = sample < -RAIL ? -RAIL : sample > RAIL ? RAIL : sample;
    return inside * (INT32_C(1) << BIOSPIKE_FRACTION);
}

static void count_saturated(int32_t sample)
{
    const int inside = sample > -RAIL && sample < RAIL;
    saturated += !inside && saturated != UINT32_MAX;
}

/* Numerators of a section for the inputs x0, x1, x2. */
#define EVEN(b, n, m) ((int64_t)(b) * (x0 + (n) * x1 + (m) * x2))
#define NOTCH(b, n) ((int64_t)(b) * (x0 + x2) + (int64_t)(n) * x1)
#define GENERAL(b, n, m) ((int64_t)(b) * x0 + (int64_t)(n) * x1 + (int64_t)(m) * x2)

#define SECTION(k, numerator, c1, c2)                                                   \
    {                                                                                   \
        const int32_t x1 = past[0], x2 = past[1], y1 = past[2], y2 = past[3];           \
        const int64_t total =                                                           \
            of->residues[k] + numerator + (int64_t)(c1) * y1 + (int64_t)(c2) * y2;      \
        past[0] = x0;                                                                   \
        past[1] = x1;                                                                   \
        of->residues[k] = (int32_t)(total & REMAINDER);                                 \
        x0 = (int32_t)shifted(total, COEFFICIENT_BITS);                                 \
        past += 2;                                                                      \
    }

static int32_t filtered(struct channel *of, int32_t x0)
{
    int32_t *past = of->past[0];
    BIOSPIKE_EACH_SECTION(SECTION)
    past[1] = past[0];
    past[0] = x0;
    return x0;
}

/* Set the state as if a sample had been constant for ever. */
static void settle(struct channel *of, int32_t level)
{
    static const int32_t rest[SECTIONS + 1] = {BIOSPIKE_REST};
    of->power = 0;
    for (int k = 0; k <= SECTIONS; k++) {
        of->past[k][0] = of->past[k][1] = level;
        of->residues[k] = 0;
        if (k < SECTIONS)
            level = (int32_t)rounded((int64_t)level * rest[k], BIOSPIKE_REST_BITS);
    }
#if TAPS > 1
    for (int k = 0; k < 2 * TAPS; k++)
        of->line[k] = level;
#endif
}

static void settle_all(const int32_t sample[BIOSPIKE_CHANNELS])
{
    for (int c = 0; c < BIOSPIKE_CHANNELS; c++)
        settle(channels + c, level_of(sample[c]));
    has_sample = 1;
}

#if TAPS > 1

static void remember(struct channel *of, int32_t level)
{
    of->line[at] = of->line[at + TAPS] = level;
}

#if BIOSPIKE_UP == 1

/* The filter is symmetric, and every BIOSPIKE_DOWN-th tap but the middle one is 0. */
static int32_t resampled(const struct channel *of)
{
    static const int32_t taps[] = {BIOSPIKE_FOLDED_TAPS};
    const int32_t *oldest = of->line + at + 1, *newest = of->line + at + TAPS;
    const int32_t *tap = taps, *const middle = taps + sizeof taps / sizeof *taps - 1;
    int64_t total = INT64_C(1) << COEFFICIENT_BITS >> 1;
    while (tap != middle) {
        UNROLLED
        for (int k = 1; k < BIOSPIKE_DOWN; k++)
            total += (int64_t)tap[k - 1] * (oldest[k] + newest[-k]);
        tap += BIOSPIKE_DOWN - 1;
        oldest += BIOSPIKE_DOWN;
        newest -= BIOSPIKE_DOWN;
    }
    total += (int64_t)*middle * *oldest;
    return (int32_t)shifted(total, COEFFICIENT_BITS);
}

#else

static int32_t resampled(const struct channel *of)
{
    static const int32_t taps[BIOSPIKE_UP][TAPS] = {BIOSPIKE_PHASES};
    const int32_t *const phase = taps[ahead], *const oldest = of->line + at + 1;
    int64_t total = INT64_C(1) << COEFFICIENT_BITS >> 1;
    UNROLLED
    for (int k = 0; k < TAPS; k++)
        total += (int64_t)phase[k] * oldest[k];
    return (int32_t)shifted(total, COEFFICIENT_BITS);
}

#endif

#else

static void remember(struct channel *of, int32_t level)
{
    x[of - channels] = level;
}

static int32_t resampled(const struct channel *of)
{
    return x[of - channels];
}

#endif

/* The mean began with nothing: until its weight is nearly 1, the gain makes up for it. */
static void weigh(void)
{
    if (weight >= BIOSPIKE_SETTLED)
        return;
    weight = upper(weight, BIOSPIKE_DECAY) - BIOSPIKE_DECAY; /* + 2^32 */
    const uint32_t zeros = leading_zeros(weight), half = root(weight << zeros);
    const uint32_t quotient = BIOSPIKE_GAIN / half, left = BIOSPIKE_GAIN % half;
    gain = (quotient << 15) + (left << 15) / half;
    gain_shift = (uint32_t)BIOSPIKE_GAIN_SHIFT - zeros / 2;
}

static uint64_t followed(uint64_t power, uint64_t square)
{
    const uint32_t low_part = (uint32_t)power, high_part = (uint32_t)(power >> 32);
    return (uint64_t)high_part * BIOSPIKE_DECAY + upper(low_part, BIOSPIKE_DECAY) + square;
}

/* The running root mean square, in units of x. */
static int32_t scale_of(uint64_t power)
{
    const uint32_t high_part = (uint32_t)(power >> 32), low_part = (uint32_t)power;
    uint32_t zeros, word;
    if (high_part) {
        zeros = leading_zeros(high_part);
        word = high_part << zeros | low_part >> 1 >> (31 - zeros);
    } else {
        if (low_part < BIOSPIKE_LEAST)
            return BIOSPIKE_FLOOR;
        zeros = leading_zeros(low_part);
        word = low_part << zeros;
        zeros += 32;
    }
    const uint32_t shift = gain_shift + zeros / 2;
    const uint32_t scale = upper(root(word) << 15, gain) + (UINT32_C(1) << shift >> 1);
    return scale >> shift < BIOSPIKE_FLOOR ? BIOSPIKE_FLOOR : (int32_t)(scale >> shift);
}

static uint64_t square_of(int32_t sample)
{
    const int32_t size = (int32_t)shifted(sample, BIOSPIKE_POWER_SHIFT);
    return (uint64_t)((int64_t)size * size);
}

static void step(uint8_t spikes[BIOSPIKE_SPIKE_BYTES])
{
#if BIOSPIKE_SHARED
    uint64_t squares = 0;
    for (int c = 0; c < BIOSPIKE_CHANNELS; c++) {
        x[c] = resampled(channels + c);
        squares += square_of(x[c]);
    }
    uint64_t *const power = &channels[0].power;
    *power = followed(*power, squares >> BIOSPIKE_MEAN_SHIFT);
    const int32_t scale = scale_of(*power);
    for (int c = 0; c < BIOSPIKE_CHANNELS; c++)
        scales[c] = scale;
#else
    for (int c = 0; c < BIOSPIKE_CHANNELS; c++) {
        struct channel *const of = channels + c;
        x[c] = resampled(of);
        of->power = followed(of->power, square_of(x[c]));
        scales[c] = scale_of(of->power);
    }
#endif
    for (int k = 0; k < BIOSPIKE_SPIKE_BYTES; k++)
        spikes[k] = 0;
    biospike_encode(x, scales, spikes);
}

void biospike_front_end_reset(void)
{
    ahead = 0;
    at = saturated = weight = gain = gain_shift = 0;
    has_sample = 0;
    biospike_encoder_reset();
}

int biospike_front_end_push(const int32_t sample[BIOSPIKE_CHANNELS],
                            uint8_t spikes[BIOSPIKE_SPIKE_BYTES])
{
    at = at + 1 < TAPS ? at + 1 : 0;
    if (!has_sample)
        settle_all(sample);
    for (int c = 0; c < BIOSPIKE_CHANNELS; c++) {
        const int32_t level = level_of(sample[c]);
        count_saturated(sample[c]);
        remember(channels + c, filtered(channels + c, level));
    }
    const int due = ahead < BIOSPIKE_UP;
    if (due) {
        weigh();
        step(spikes);
        ahead += BIOSPIKE_DOWN;
    }
    ahead -= BIOSPIKE_UP;
    return due;
}

uint32_t biospike_front_end_saturations(void)
{
    return saturated;
}
