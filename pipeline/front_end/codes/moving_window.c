/* Moving window: with samples y = x * 2^q / s and the sum Y of those of the last w, c of
 * them, an event where c * y - Y leaves -c * T ... c * T, which compares y with the mean
 * Y / c without dividing by c.
 */
#include "encoder.h"

enum { BITS, LENGTH, THRESHOLD };    /* constants */
enum { SUM, COUNT, PLACE, WINDOW }; /* memory; the window is the rest */

static int events(const int32_t *k, int32_t *memory, int32_t level, int32_t scale)
{
    const int32_t units = biospike_ratio(level, k[BITS], scale);
    const int32_t distance = memory[COUNT] * units - memory[SUM];
    const int32_t reach = memory[COUNT] * k[THRESHOLD];
    int32_t *const oldest = memory + WINDOW + memory[PLACE];
    if (memory[COUNT] < k[LENGTH])
        memory[COUNT]++;
    memory[SUM] += units - *oldest;
    *oldest = units;
    memory[PLACE] = memory[PLACE] + 1 < k[LENGTH] ? memory[PLACE] + 1 : 0;
    return (distance > reach) - (distance < -reach);
}

biospike_code biospike_moving_window;

void biospike_moving_window(const struct biospike_part *part, const int32_t *levels,
                            const int32_t *scales, uint8_t *spikes)
{
    biospike_each(part, levels, scales, spikes, events);
}
