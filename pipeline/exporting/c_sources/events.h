/* The events between layers: the channels of each step that are not zero. */
#ifndef BIOSPIKE_EVENTS_H
#define BIOSPIKE_EVENTS_H

#include <stddef.h>
#include <stdint.h>

/* The events of one step. */
struct events {
    uint16_t n;
    uint16_t *channel; /* [n], ascending */
    uint8_t *value;    /* [n], 1 to 127; null where every event is a spike */
};

/* The events of the last `span` steps, a ring. */
struct history {
    uint16_t width; /* channels: no step has more events */
    uint16_t span;
    uint16_t *newest;
    uint16_t *n;       /* [span] */
    uint16_t *channel; /* [span][width] */
    uint8_t *value;    /* [span][width], or null */
};

static inline void emit_spike(struct events *to, uint16_t channel)
{
    to->channel[to->n++] = channel;
}

static inline void emit_value(struct events *to, uint16_t channel, uint8_t value)
{
    to->value[to->n] = value;
    to->channel[to->n++] = channel;
}

/* The events of the step `lag` steps before the newest. */
static inline struct events history_at(const struct history *of, uint16_t lag)
{
    const uint16_t newest = *of->newest;
    const uint16_t slot = (uint16_t)(newest >= lag ? newest - lag : newest + of->span - lag);
    const size_t start = (size_t)slot * of->width;
    const struct events found = {
        of->n[slot], of->channel + start, of->value ? of->value + start : NULL};
    return found;
}

/* Take the oldest step's place for a new step. */
static inline struct events history_open(const struct history *of)
{
    *of->newest = (uint16_t)(*of->newest + 1 < of->span ? *of->newest + 1 : 0);
    struct events fresh = history_at(of, 0);
    fresh.n = 0;
    return fresh;
}

static inline void history_close(const struct history *of, const struct events *events)
{
    of->n[*of->newest] = events->n;
}

/* Emit the channels whose bits are set: channel c is bit c % 8 of byte c / 8. */
static inline void emit_bits(struct events *to, const uint8_t *bytes, uint16_t width)
{
    for (uint16_t first = 0; first < width; first += 8) {
        uint16_t channel = first;
        for (unsigned bits = *bytes++; bits; bits >>= 1, channel++)
            if (bits & 1)
                emit_spike(to, channel);
    }
}

static inline void history_reset(const struct history *of)
{
    *of->newest = 0;
    for (uint16_t slot = 0; slot < of->span; slot++)
        of->n[slot] = 0;
}

#endif
