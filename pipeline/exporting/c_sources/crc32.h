/* The checksum of zlib and Ethernet, for the comparison of spike trains. */
#ifndef BIOSPIKE_CRC32_H
#define BIOSPIKE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Go on with a checksum that began with 0. */
static inline uint32_t crc32_of(uint32_t crc, const uint8_t *bytes, size_t n)
{
    crc = ~crc;
    for (size_t k = 0; k < n; k++) {
        crc ^= bytes[k];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
    }
    return ~crc;
}

#endif
