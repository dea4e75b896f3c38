/* Step-forward: with q fraction bits of the reference r,
 *
 *     ON = x * 2^q > (r + T) * s,   OFF = x * 2^q < (r - T) * s,   r += T * (ON - OFF)
 *
 * compares x / s with r + T and r - T without a division.
 */
#include "encoder.h"

enum { BITS, THRESHOLD };  /* constants */
enum { BEGUN, REFERENCE }; /* memory */

static int events(const int32_t *k, int32_t *memory, int32_t level, int32_t scale)
{
    if (!memory[BEGUN]) {
        memory[BEGUN] = 1;
        memory[REFERENCE] = biospike_ratio(level, k[BITS], scale);
    }
    const int64_t reach = (int64_t)k[THRESHOLD] * scale;
    const int64_t error =
        biospike_raised(level, k[BITS]) - (int64_t)memory[REFERENCE] * scale;
    const int count = (error > reach) - (error < -reach);
    memory[REFERENCE] += count * k[THRESHOLD];
    return count;
}

biospike_code biospike_delta;

void biospike_delta(const struct biospike_part *part, const int32_t *levels,
                    const int32_t *scales, uint8_t *spikes)
{
    biospike_each(part, levels, scales, spikes, events);
}
