/* The parts of a network. Constants lie in flash; pointers lead to variables. */
#ifndef BIOSPIKE_LAYERS_H
#define BIOSPIKE_LAYERS_H

#include "events.h"

/* Rows of weights, one an input, from it to every target; or, where pruning made them so
 * few that this is smaller and faster, those alone that are not 0. */
struct rows {
    const int8_t *weights;  /* [row][target], or row after row; null: no rows */
    const uint16_t *starts; /* [row + 1], where rows begin; null: rows are complete */
    const uint8_t *targets; /* of each weight */
};

/* Weights from channels at some steps to targets.
 *
 * Tap k meets the step k * spacing steps ago, so one form serves a convolution (its
 * kernel reversed, spacing 1), a dense layer (one tap) and a layer of delays. Every
 * `stride` steps the targets get their sums; before a window there is silence.
 */
struct connections {
    struct history in;
    uint16_t spacing, stride;
    uint16_t *missing; /* steps until the next sums */
    uint16_t n_out;
    struct rows rows; /* [tap][channel] */
    struct rows own;  /* [target], of the layer's outputs of the step before, if it is
                       * recurrent */
    uint8_t lift; /* bits by which the other sum counts more than theirs */
};

enum reset { RESET_NONE, RESET_SUBTRACT, RESET_ZERO };

/* Neurons of any kind; fields that a kind does not use are 0. */
struct neurons {
    void (*step)(
        const struct neurons *of, const int32_t *sums, struct events *out);
    uint16_t n;
    enum reset reset;
    uint8_t shift, fraction;
    const int32_t *beta, *bias, *threshold; /* [n], or [branch][n] */
    const int32_t *multiplier, *a0, *a2, *a3, *clip;
    int32_t shared_beta, shared_alpha, inhibition;
    uint16_t winners;
    int32_t *membrane, *synaptic; /* null in neurons without */
};

/* The kinds: each in the file of its name, with its equations. */
void leaky(const struct neurons *of, const int32_t *sums, struct events *out);
void polynomial(const struct neurons *of, const int32_t *sums, struct events *out);
void relu(const struct neurons *of, const int32_t *sums, struct events *out);
void competing(const struct neurons *of, const int32_t *sums, struct events *out);

struct layer {
    struct connections connections;
    struct neurons neurons;
};

/* From the outputs of the last layer to logits; fields that a kind does not use are 0.
 *
 * Rates: a linear map of the sums of each channel in equal segments of the last steps,
 *
 *     logit = rounded((sum of weight * sum + bias) * multiplier, shift)
 *
 * The last layer's outputs are kept; a decision adds a row for each of their events,
 * times its value if they have values. Of activations it adds up each channel's first.
 *
 * Traces: at every step, for each time constant and class (the class varies faster),
 *
 *     y[t]  = rounded(alpha * y[t-1], 15) + (sum of weights of s[t]) * 2^up + bias
 *     logit = sum over time constants of rounded(y * multiplier, shift)
 */
struct read_out {
    struct history in;     /* the newest step's outputs */
    const int8_t *weights; /* [segment][channel][class], or [channel][trace] */
    const int32_t *bias, *multiplier;
    uint8_t shift;
    uint16_t span;     /* steps that a decision reads */
    uint16_t bytes;    /* of a step: a bit a spike, or a byte a graded value */
    uint16_t *newest;
    uint8_t *outputs;     /* [span][bytes], a ring */
    const uint16_t *ends; /* [segment], steps */
    uint16_t segments;
    int32_t *summed; /* [channel], of a segment's activations; null for events */
    const int32_t *alpha; /* [trace], as bias and multiplier */
    int32_t *trace;
    uint8_t up;
};

struct model {
    const struct layer *layers;
    uint16_t n_layers;
    struct read_out read_out;
};

extern const struct model biospike_model;

#endif
