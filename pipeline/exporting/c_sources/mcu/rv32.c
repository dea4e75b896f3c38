/* QEMU's RISC-V virt machine with -icount shift=0: start, minstret, semihosting. */
#include "board.h"

extern uint32_t bss_start, bss_end;
void begin(void);

uint32_t board_reading(void)
{
    uint32_t retired;
    __asm__ volatile("csrr %0, minstret" : "=r"(retired)::"memory");
    return retired;
}

uint32_t board_instructions(uint32_t from, uint32_t to)
{
    return to - from;
}

/* The three instructions, none compressed and on one page, are the mark of a call. */
static int semihost(int operation, const void *argument)
{
    register int a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = argument;
    __asm__ volatile(".option push\n .option norvc\n .balign 16\n"
                     "slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n"
                     ".option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
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

__attribute__((aligned(4))) static void fault(void)
{
    board_write("fault\n");
    board_exit(3);
}

void begin(void)
{
    for (uint32_t *to = &bss_start; to < &bss_end;)
        *to++ = 0;
    __asm__ volatile("csrw mtvec, %0" ::"r"(fault));
    board_exit(main());
}

__asm__(".section .start, \"ax\"\n"
        ".global _start\n"
        "_start:\n"
        "    la sp, stack_top\n"
        "    j begin\n"
        ".text\n");
