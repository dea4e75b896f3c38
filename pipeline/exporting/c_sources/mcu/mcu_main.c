/* Run the stimuli on a microcontroller and print the instructions of each. */
#include "biospike.h"
#include "board.h"
#include "crc32.h"
#include "schedule.h"
#include "stimulus.h"

static void write_unsigned(uint64_t value, uint32_t base)
{
    char text[21], *digit = text + sizeof text - 1;
    *digit = '\0';
    do
        *--digit = "0123456789abcdef"[value % base];
    while (value /= base);
    board_write(digit);
}

static void write_signed(int32_t value)
{
    if (value < 0)
        board_write("-");
    write_unsigned(value < 0 ? 0 - (uint32_t)value : (uint32_t)value, 10);
}

static void write_field(const char *name, uint64_t value)
{
    board_write(name);
    write_unsigned(value, 10);
}

/* Instructions of taking two readings with nothing between. */
static uint32_t overhead(void)
{
    const uint32_t from = board_reading();
    return board_instructions(from, board_reading());
}

static void write_decision(
    const char *what, uint32_t number, const int32_t *logits, uint32_t spent)
{
    write_field(what, number);
    write_field(" class ", (uint32_t)biospike_argmax(logits));
    board_write(" logits");
    for (int k = 0; k < BIOSPIKE_CLASSES; k++) {
        board_write(" ");
        write_signed(logits[k]);
    }
    write_field(" instructions ", spent);
    board_write("\n");
}

static void run_window(uint32_t number)
{
    int32_t logits[BIOSPIKE_CLASSES];
    const uint32_t from = board_reading();
    biospike_classify(stimulus_spikes[number], logits);
    const uint32_t spent = board_instructions(from, board_reading()) - overhead();
    write_decision("window ", number, logits, spent);
}

/* Samples through the front end alone; gives its instructions. */
static uint64_t run_front_end(void)
{
    static uint8_t spikes[BIOSPIKE_SPIKE_BYTES];
    uint64_t spent = 0;
    biospike_front_end_reset();
    for (uint32_t k = 0; k < stimulus_samples; k++) {
        const uint32_t from = board_reading();
        biospike_front_end_push(stimulus_signal[k], spikes);
        spent += board_instructions(from, board_reading()) - overhead();
    }
    return spent;
}

/* Take the decisions that are asked for, as far as the network has what it needs. */
static void decide_asked(struct schedule *of, uint32_t spent)
{
    int32_t logits[BIOSPIKE_CLASSES];
    while (schedule_is_open(of)) {
        const uint32_t from = board_reading();
        const int decided = biospike_decide(logits);
        spent += board_instructions(from, board_reading()) - overhead();
        if (decided < 0)
            return;
        write_decision("decision ", of->decisions[of->decided++], logits, spent);
        spent = 0;
    }
}

static void ask(struct schedule *of, uint32_t steps)
{
    uint32_t spent = 0;
    if (schedule_ask(of, steps)) {
        const uint32_t from = board_reading();
        schedule_start_anew();
        spent = board_instructions(from, board_reading()) - overhead();
    }
    decide_asked(of, spent);
}

/* After a recording there is silence. */
static void end_asked(struct schedule *of)
{
    static const uint8_t silence[BIOSPIKE_SPIKE_BYTES];
    for (; schedule_is_open(of); decide_asked(of, 0))
        biospike_network_step(silence);
}

/* Samples one by one, as they arrive; the checksum is not part of the price. */
static void run_signal(void)
{
    struct schedule schedule = {stimulus_n_decisions, stimulus_n_anew, 0, 0, 0,
                                stimulus_decisions, stimulus_anew};
    uint32_t steps = 0, crc = 0;
    uint64_t spent = 0;
    const uint64_t front_end = run_front_end();
    biospike_reset();
    for (uint32_t k = 0; k < stimulus_samples; k++) {
        const uint32_t from = board_reading();
        const int due = biospike_push(stimulus_signal[k]);
        spent += board_instructions(from, board_reading()) - overhead();
        if (!due)
            continue;
        crc = crc32_of(crc, biospike_newest(), BIOSPIKE_SPIKE_BYTES);
        ask(&schedule, ++steps);
    }
    end_asked(&schedule);
    write_field("recording samples ", stimulus_samples);
    write_field(" steps ", steps);
    write_field(" saturations ", biospike_front_end_saturations());
    board_write(" crc32 ");
    write_unsigned(crc, 16);
    write_field(" front end ", front_end);
    write_field(" chain ", spent);
    board_write("\n");
}

enum { PAINT = 0xa5, PAINTED = 1 << 14, KEPT = 128 };

/* The stack's bytes below a place, of which this function itself keeps the first. */
__attribute__((noinline)) static void paint(volatile uint8_t *bottom)
{
    for (uint32_t k = 0; k < PAINTED - KEPT; k++)
        bottom[k] = PAINT;
}

/* Bytes of stack that classifying a window takes, to no more than KEPT exactly: paint
 * what lies below, then look how far down the paint is gone. */
static void measure_stack(void)
{
    int32_t logits[BIOSPIKE_CLASSES];
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    volatile uint8_t *const bottom = (volatile uint8_t *)(here - PAINTED);
    uint32_t untouched = 0;
    paint(bottom);
    biospike_classify(stimulus_spikes[0], logits);
    while (untouched < PAINTED && bottom[untouched] == PAINT)
        untouched++;
    write_field("stack ", PAINTED - untouched);
    board_write("\n");
}

int main(void)
{
    measure_stack();
    for (uint32_t k = 0; k < stimulus_windows; k++)
        run_window(k);
    run_signal();
    board_write("done\n");
    return 0;
}
