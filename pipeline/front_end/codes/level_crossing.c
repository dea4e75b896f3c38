/* Level crossing: with q fraction bits of the spacing S and the level l crossed last, an
 * event for each level from l + S up to x * 2^q / s, or from l - S down to it, at most
 * MOST; only the first sample is divided.
 */
#include "encoder.h"

enum { BITS, MOST, SPACING }; /* constants */
enum { BEGUN, LEVEL };        /* memory */

static int events(const int32_t *k, int32_t *memory, int32_t level, int32_t scale)
{
    const int64_t sample = biospike_raised(level, k[BITS]);
    const int64_t step = (int64_t)k[SPACING] * scale;
    int count = 0;
    if (!memory[BEGUN]) {
        memory[BEGUN] = 1;
        memory[LEVEL] = (int32_t)biospike_quotient(sample, step) * k[SPACING];
    }
    int64_t error = sample - (int64_t)memory[LEVEL] * scale;
    for (; count < k[MOST] && error >= step; count++)
        error -= step;
    for (; count > -k[MOST] && error <= -step; count--)
        error += step;
    memory[LEVEL] += count * k[SPACING];
    return count;
}

biospike_code biospike_level_crossing;

void biospike_level_crossing(const struct biospike_part *part, const int32_t *levels,
                             const int32_t *scales, uint8_t *spikes)
{
    biospike_each(part, levels, scales, spikes, events);
}
