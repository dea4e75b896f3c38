/* Fixed point: rounded products, and arithmetic shifts. */
#ifndef BIOSPIKE_ARITHMETIC_H
#define BIOSPIKE_ARITHMETIC_H

#include <stdint.h>

/* Fraction bits of the factor by which a step multiplies a membrane or current. */
#define LEAK_BITS 15
/* Fraction bits of a polynomial's second and third coefficient. */
#define CURVE_BITS 14

/* floor(value / 2^bits). C99 leaves the shift of a negative number to the compiler; it
 * has to be arithmetic, as in gcc and clang. `make test` would show another. */
static inline int64_t shifted(int64_t value, unsigned bits)
{
    return value >> bits;
}

/* value / 2^bits to the nearest integer, halves up. */
static inline int64_t rounded(int64_t value, unsigned bits)
{
    return shifted(value + (INT64_C(1) << bits >> 1), bits);
}

/* The product of two 32-bit numbers, rounded likewise. */
static inline int64_t scaled(int32_t a, int32_t b, unsigned bits)
{
    return rounded((int64_t)a * b, bits);
}

/* The low 32 bits. Sums are added as unsigned: on the way they may pass 32 bits, the
 * result does not, by the bound that was computed when the network was quantised. */
static inline uint32_t low(int64_t value)
{
    return (uint32_t)value;
}

#endif
