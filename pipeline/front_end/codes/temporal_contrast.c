/* Temporal contrast: with samples y = x * 2^q / s, an event where the difference d of two
 * leaves -T ... T. T is given, or a running one, m + f * sqrt(v - m^2), of the mean m and
 * mean square v of the last c differences, of which M and V are the sums:
 *
 *     sign(d) where |d| > m and (|d| - m)^2 * 2^F > f^2 * (v - m^2)
 */
#include "encoder.h"

enum { BITS, THRESHOLD, LONGEST, FACTOR_BITS, FACTOR };         /* constants */
enum { BEGUN, LAST, COUNT, SUM, SQUARES, SQUARES_HIGH };        /* memory */

/* Compare with the running threshold, then move it on. */
static int running(const int32_t *k, int32_t *memory, int32_t change)
{
    uint64_t squares =
        (uint64_t)(uint32_t)memory[SQUARES_HIGH] << 32 | (uint32_t)memory[SQUARES];
    int32_t mean = 0;
    int64_t square = 0;
    int fires = 0;
    if (memory[COUNT]) {
        mean = memory[SUM] / memory[COUNT];
        square = (int64_t)(squares / (uint32_t)memory[COUNT]);
        const int64_t spread = square - (int64_t)mean * mean;
        const int64_t beyond = (change < 0 ? -change : change) - mean;
        fires = beyond > 0 && beyond * beyond * (INT32_C(1) << k[FACTOR_BITS]) >
                                  (spread > 0 ? spread : 0) * k[FACTOR];
    }
    if (memory[COUNT] < k[LONGEST]) {
        memory[COUNT]++;
        mean = 0;
        square = 0;
    }
    memory[SUM] += change - mean;
    squares += (uint64_t)((int64_t)change * change - square);
    memory[SQUARES] = (int32_t)(uint32_t)squares;
    memory[SQUARES_HIGH] = (int32_t)(squares >> 32);
    return fires ? (change > 0) - (change < 0) : 0;
}

static int events(const int32_t *k, int32_t *memory, int32_t level, int32_t scale)
{
    const int32_t units = biospike_ratio(level, k[BITS], scale);
    const int32_t change = memory[BEGUN] ? units - memory[LAST] : 0;
    const int begun = memory[BEGUN];
    memory[BEGUN] = 1;
    memory[LAST] = units;
    if (k[THRESHOLD])
        return (change > k[THRESHOLD]) - (change < -k[THRESHOLD]);
    return begun ? running(k, memory, change) : 0;
}

biospike_code biospike_temporal_contrast;

void biospike_temporal_contrast(const struct biospike_part *part, const int32_t *levels,
                                const int32_t *scales, uint8_t *spikes)
{
    biospike_each(part, levels, scales, spikes, events);
}
