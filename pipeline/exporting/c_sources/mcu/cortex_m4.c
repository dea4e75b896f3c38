/* mps2-an386 (Cortex-M4) under QEMU with -icount shift=8: start, timer, semihosting.
 *
 * An instruction takes 2^8 ns of virtual time and timer 0 counts 25 MHz of it, which is
 * 6.4 ticks an instruction; the M4's own cycle counter is not emulated.
 */
#include "board.h"

#define TIMER ((volatile uint32_t *)0x40000000u)
enum { CONTROL = 0, VALUE = 1, RELOAD = 2 };

extern uint32_t stack_top, data_load, data_start, data_end, bss_start, bss_end;

void board_start(void);

uint32_t board_reading(void)
{
    return TIMER[VALUE];
}

uint32_t board_instructions(uint32_t from, uint32_t to)
{
    const uint64_t ticks = (uint32_t)(from - to); /* it counts down */
    return (uint32_t)((ticks * 10 + 32) / 64);
}

static int semihost(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void board_write(const char *text)
{
    semihost(0x04, text); /* SYS_WRITE0 */
}

void board_exit(int status)
{
    const uint32_t block[2] = {0x20026, (uint32_t)status};
    semihost(0x20, block); /* SYS_EXIT_EXTENDED */
    for (;;)
        ;
}

void board_start(void)
{
    for (uint32_t *from = &data_load, *to = &data_start; to < &data_end;)
        *to++ = *from++;
    for (uint32_t *to = &bss_start; to < &bss_end;)
        *to++ = 0;
    TIMER[RELOAD] = UINT32_MAX;
    TIMER[VALUE] = UINT32_MAX;
    TIMER[CONTROL] = 1;
    board_exit(main());
}

static void fault(void)
{
    board_write("fault\n");
    board_exit(3);
}

/* Where the stack starts, then who handles what. */
struct vectors {
    uint32_t *stack;
    void (*reset)(void);
    void (*faults[14])(void); /* NMI, hard fault, memory, bus, usage; no interrupts */
};

__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
    &stack_top, board_start, {fault, fault, fault, fault, fault}};
