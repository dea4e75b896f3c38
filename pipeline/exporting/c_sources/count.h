/* With -DBIOSPIKE_COUNT the program counts its own operations; without, nothing is left
 * of this. For a host: a microcontroller has better use for the memory. */
#ifndef BIOSPIKE_COUNT_H
#define BIOSPIKE_COUNT_H

#ifdef BIOSPIKE_COUNT

#include <stddef.h>
#include <stdint.h>

/* Of one layer; the read-out comes last. */
struct counts {
    uint64_t executed;  /* additions or multiply-accumulates of weights */
    uint64_t effective; /* those whose weight is not zero */
    uint64_t inhibitions;
    uint64_t updates; /* of membranes */
};

extern struct counts *counting;

static inline void count_rows(const int8_t *const *rows, size_t n, size_t width)
{
    counting->executed += n * width;
    for (size_t row = 0; row < n; row++)
        for (size_t k = 0; k < width; k++)
            counting->effective += rows[row][k] != 0;
}

#define COUNT_ROWS(rows, n, width) count_rows(rows, n, width)
#define COUNT_SPARSE(number) \
    (counting->executed += (number), counting->effective += (number))
#define COUNT_INHIBITIONS(number) (counting->inhibitions += (number))
#define COUNT_UPDATES(number) (counting->updates += (number))

#else

#define COUNT_ROWS(rows, n, width) ((void)0)
#define COUNT_SPARSE(number) ((void)0)
#define COUNT_INHIBITIONS(number) ((void)0)
#define COUNT_UPDATES(number) ((void)0)

#endif
#endif
