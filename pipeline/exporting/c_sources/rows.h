/* Sums of rows of weights, in which a network spends its time.
 *
 * An event has a row of int8 weights, one for each target. The rows of all events that
 * one sum takes are listed first; then the sums are computed for some targets at a
 * time, in registers, so that a weight costs one load and one addition.
 */
#ifndef BIOSPIKE_ROWS_H
#define BIOSPIKE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "events.h"
#include "model.h"

/* The rows that the next sum takes, and the factors of graded events. */
struct listed {
    size_t n;
    const int8_t *rows[BIOSPIKE_MOST_ROWS];
#ifdef BIOSPIKE_GRADED
    int32_t factors[BIOSPIKE_MOST_ROWS];
#endif
};

extern struct listed biospike_listed;

static inline void list_row(const int8_t *row, int32_t factor)
{
#ifdef BIOSPIKE_GRADED
    biospike_listed.factors[biospike_listed.n] = factor;
#endif
    (void)factor;
    biospike_listed.rows[biospike_listed.n++] = row;
}

/* List the rows of a step's events. */
static inline void list_rows(const struct events *events, const int8_t *weights, size_t width)
{
    const int8_t **const rows = biospike_listed.rows + biospike_listed.n;
    for (uint16_t k = 0; k < events->n; k++)
        rows[k] = weights + events->channel[k] * width;
#ifdef BIOSPIKE_GRADED
    int32_t *const factors = biospike_listed.factors + biospike_listed.n;
    for (uint16_t k = 0; k < events->n; k++)
        factors[k] = events->value ? events->value[k] : 1;
#endif
    biospike_listed.n += events->n;
}

/* Add the listed rows, times their factors if these are graded, and empty the list. */
void add_listed(int graded, int32_t *to, size_t width);

/* sums[k] += sum of rows[r][k] */
void add_rows(const int8_t *const *rows, size_t n, int32_t *sums, size_t width);

/* sums[k] += sum of factors[r] * rows[r][k] */
void add_scaled_rows(
    const int8_t *const *rows, const int32_t *factors, size_t n, int32_t *sums,
    size_t width);

#endif
