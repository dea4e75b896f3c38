/* Run the program on a host: read a file of stimuli, write a line for each decision.
 *
 * All numbers of the file are little-endian, 32 bits:
 *
 *     "BSPK", version 2, channels, features, steps
 *     1, windows; then so many windows of packed spikes
 *     2, samples, decisions, anew; then the decisions (numbers of steps, ascending),
 *         those of them before which the network starts anew, then samples * channels
 *         samples
 *
 * in any number and order of the last two until the file ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "biospike.h"
#include "crc32.h"
#include "schedule.h"

#ifdef BIOSPIKE_COUNT
#include "count.h"
extern struct counts biospike_counts[BIOSPIKE_LAYERS + 1];
#endif

enum { FORMAT = 2, WINDOWS = 1, RECORDING = 2 };

static FILE *stimulus;
static const char *name;

static void fail(const char *what)
{
    fflush(stdout);
    fprintf(stderr, "%s: %s (at byte %ld)\n", name, what, ftell(stimulus));
    exit(2);
}

static void read_bytes(uint8_t *bytes, size_t n)
{
    if (fread(bytes, 1, n, stimulus) != n)
        fail("the file ends too early");
}

static uint32_t read_word(void)
{
    uint8_t b[4];
    read_bytes(b, sizeof b);
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void expect_word(uint32_t expected, const char *what)
{
    if (read_word() != expected)
        fail(what);
}

static void check_header(void)
{
    uint8_t magic[4];
    read_bytes(magic, sizeof magic);
    if (memcmp(magic, "BSPK", sizeof magic))
        fail("not a file of stimuli");
    expect_word(FORMAT, "a file of another version");
    expect_word(BIOSPIKE_CHANNELS, "made for another number of channels");
    expect_word(BIOSPIKE_FEATURES, "made for another number of features");
    expect_word(BIOSPIKE_STEPS, "made for windows of another length");
}

static void print_decision(const char *what, uint32_t number, const int32_t *logits)
{
    printf("%s %lu class %d logits", what, (unsigned long)number,
           biospike_argmax(logits));
    for (int k = 0; k < BIOSPIKE_CLASSES; k++)
        printf(" %ld", (long)logits[k]);
    putchar('\n');
}

static void run_windows(void)
{
    static uint8_t spikes[BIOSPIKE_STEPS * BIOSPIKE_SPIKE_BYTES];
    int32_t logits[BIOSPIKE_CLASSES];
    const uint32_t n = read_word();
    for (uint32_t k = 0; k < n; k++) {
        read_bytes(spikes, sizeof spikes);
        biospike_classify(spikes, logits);
        print_decision("window", k, logits);
    }
}

static uint32_t *read_steps(uint32_t n)
{
    uint32_t *read = malloc((n + (size_t)1) * sizeof *read);
    if (!read)
        fail("no memory for the decisions");
    for (uint32_t k = 0; k < n; k++) {
        read[k] = read_word();
        if (k && read[k] < read[k - 1])
            fail("decisions out of order");
    }
    return read;
}

static void read_sample(int32_t sample[BIOSPIKE_CHANNELS])
{
    for (int channel = 0; channel < BIOSPIKE_CHANNELS; channel++) {
        const uint32_t word = read_word();
        memcpy(sample + channel, &word, sizeof word);
    }
}

/* Decide all that is asked for, as far as the network has what it needs. */
static void decide_asked(struct schedule *of)
{
    int32_t logits[BIOSPIKE_CLASSES];
    while (schedule_is_open(of) && biospike_decide(logits) >= 0)
        print_decision("decision", of->decisions[of->decided++], logits);
}

static void ask(struct schedule *of, uint32_t steps)
{
    const int open = schedule_is_open(of);
    if (schedule_ask(of, steps)) {
        if (open)
            fail("the network starts anew before it has decided");
        if (!schedule_start_anew())
            fail("a network that only runs on cannot start anew");
    }
    decide_asked(of);
}

/* After a recording there is silence. */
static void end_asked(struct schedule *of)
{
    static const uint8_t silence[BIOSPIKE_SPIKE_BYTES];
    if (of->asked < of->n)
        fail("the recording ends before its last decision");
    for (; schedule_is_open(of); decide_asked(of))
        biospike_network_step(silence);
}

/* A recording goes through the chain as it would arrive. */
static void run_recording(void)
{
    const uint32_t n_samples = read_word(), n = read_word(), n_anew = read_word();
    uint32_t *const decisions = read_steps(n), *const anew = read_steps(n_anew);
    struct schedule schedule = {n, n_anew, 0, 0, 0, decisions, anew};
    uint32_t steps = 0, crc = 0;
    int32_t sample[BIOSPIKE_CHANNELS];
    biospike_reset();
    for (uint32_t k = 0; k < n_samples; k++) {
        read_sample(sample);
        if (!biospike_push(sample))
            continue;
        crc = crc32_of(crc, biospike_newest(), BIOSPIKE_SPIKE_BYTES);
        ask(&schedule, ++steps);
    }
    end_asked(&schedule);
    printf("recording samples %lu steps %lu saturations %lu crc32 %08lx\n",
           (unsigned long)n_samples, (unsigned long)steps,
           (unsigned long)biospike_front_end_saturations(), (unsigned long)crc);
    free(decisions);
    free(anew);
}

static void print_counts(void)
{
#ifdef BIOSPIKE_COUNT
    for (int k = 0; k <= BIOSPIKE_LAYERS; k++)
        printf("count %d executed %llu effective %llu inhibitions %llu updates %llu\n",
               k, (unsigned long long)biospike_counts[k].executed,
               (unsigned long long)biospike_counts[k].effective,
               (unsigned long long)biospike_counts[k].inhibitions,
               (unsigned long long)biospike_counts[k].updates);
#endif
}

static int at_end(void)
{
    const int next = getc(stimulus);
    if (next == EOF)
        return 1;
    ungetc(next, stimulus);
    return 0;
}

int main(int n, char **arguments)
{
    if (n != 2) {
        fprintf(stderr, "usage: %s STIMULI\n", arguments[0]);
        return 2;
    }
    name = arguments[1];
    stimulus = fopen(name, "rb");
    if (!stimulus) {
        perror(name);
        return 2;
    }
    check_header();
    while (!at_end())
        switch (read_word()) {
        case WINDOWS:
            run_windows();
            break;
        case RECORDING:
            run_recording();
            break;
        default:
            fail("a part of an unknown kind");
        }
    print_counts();
    fclose(stimulus);
    return 0;
}
