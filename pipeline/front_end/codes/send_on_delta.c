/* Send-on-delta: with q fraction bits of the base b and d = x * 2^q - b * s,
 *
 *     n = min(floor(|d| / (T * s)), most),   b += T * n * sign(d)
 *
 * where |d| >= T * s, or N * s if the last event had the other sign; without a division.
 */
#include "encoder.h"

enum { BITS, MOST, THRESHOLD, TURN }; /* constants */
enum { BEGUN, BASE, LAST };           /* memory */

static int events(const int32_t *k, int32_t *memory, int32_t level, int32_t scale)
{
    if (!memory[BEGUN]) {
        memory[BEGUN] = 1;
        memory[BASE] = biospike_ratio(level, k[BITS], scale);
    }
    const int64_t distance =
        biospike_raised(level, k[BITS]) - (int64_t)memory[BASE] * scale;
    const int64_t size = distance < 0 ? -distance : distance;
    const int64_t step = (int64_t)k[THRESHOLD] * scale;
    const int sign = distance > 0 ? 1 : -1;
    int count = 1;
    if (size < (sign == -memory[LAST] ? (int64_t)k[TURN] * scale : step))
        return 0;
    while (count < k[MOST] && size >= (count + 1) * step)
        count++;
    memory[LAST] = sign;
    memory[BASE] += sign * count * k[THRESHOLD];
    return sign * count;
}

biospike_code biospike_send_on_delta;

void biospike_send_on_delta(const struct biospike_part *part, const int32_t *levels,
                            const int32_t *scales, uint8_t *spikes)
{
    biospike_each(part, levels, scales, spikes, events);
}
