/* Sigma-delta: with samples y = x * 2^q / s, limited to -T ... T,
 *
 *     v = u + y,   an event where |v| >= T,   u = v - T * sign
 *
 * which divides only where |x / s| < T.
 */
#include "encoder.h"

enum { BITS, THRESHOLD }; /* constants */

static int events(const int32_t *k, int32_t *memory, int32_t level, int32_t scale)
{
    const int64_t sample = biospike_raised(level, k[BITS]);
    const int32_t limit = k[THRESHOLD];
    const int64_t most = (int64_t)limit * scale;
    int32_t total = *memory;
    if (sample >= most)
        total += limit;
    else if (sample <= -most)
        total -= limit;
    else
        total += (int32_t)biospike_quotient(sample, scale);
    const int count = (total >= limit) - (total <= -limit);
    *memory = total - count * limit;
    return count;
}

biospike_code biospike_sigma_delta;

void biospike_sigma_delta(const struct biospike_part *part, const int32_t *levels,
                          const int32_t *scales, uint8_t *spikes)
{
    biospike_each(part, levels, scales, spikes, events);
}
