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

/* sums[k] += sum of rows[r][k] */
void add_rows(const int8_t *const *rows, size_t n, int32_t *sums, size_t width);

/* sums[k] += sum of factors[r] * rows[r][k] */
void add_scaled_rows(
    const int8_t *const *rows, const int32_t *factors, size_t n, int32_t *sums,
    size_t width);

#endif
