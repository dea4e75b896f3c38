/* As much of the standard header as the library needs; memory.c has it. */
#ifndef BIOSPIKE_STRING_H
#define BIOSPIKE_STRING_H

#include <stddef.h>

void *memset(void *to, int value, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n);

#endif
