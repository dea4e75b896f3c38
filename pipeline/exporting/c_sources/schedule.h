/* When the harnesses decide in a recording. */
#ifndef BIOSPIKE_SCHEDULE_H
#define BIOSPIKE_SCHEDULE_H

#include <stdint.h>

#include "biospike.h"

/* The decisions of a recording, in steps and ascending; those before which the network
 * starts anew; how many were asked for, taken and started. */
struct schedule {
    uint32_t n, n_anew, asked, decided, started;
    const uint32_t *decisions, *anew;
};

/* Ask for the decisions of a step; 1 if the network has to start anew before them. */
static inline int schedule_ask(struct schedule *of, uint32_t steps)
{
    const int anew = of->started < of->n_anew && of->anew[of->started] == steps;
    of->started += (uint32_t)anew;
    while (of->asked < of->n && of->decisions[of->asked] == steps)
        of->asked++;
    return anew;
}

static inline int schedule_is_open(const struct schedule *of)
{
    return of->decided < of->asked;
}

/* Start anew; 0 if the program cannot. */
static inline int schedule_start_anew(void)
{
#ifdef BIOSPIKE_WINDOW
    biospike_start_anew();
    return 1;
#else
    return 0;
#endif
}

#endif
