/* Functions that a compiler may call, which a library would provide. */
#include "string.h"

void *memset(void *to, int value, size_t n)
{
    for (unsigned char *byte = to; n; n--)
        *byte++ = (unsigned char)value;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    const unsigned char *source = from;
    for (unsigned char *byte = to; n; n--)
        *byte++ = *source++;
    return to;
}
