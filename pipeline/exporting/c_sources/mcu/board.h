/* A board's services for the harness: an instruction counter, output, an end. */
#ifndef BIOSPIKE_BOARD_H
#define BIOSPIKE_BOARD_H

#include <stdint.h>

/* Instructions since some moment, modulo some power of two. */
uint32_t board_reading(void);

/* Instructions from one reading to a later one. */
uint32_t board_instructions(uint32_t from, uint32_t to);

void board_write(const char *text);

void board_exit(int status);

int main(void);

#endif
