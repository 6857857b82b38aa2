/* SPDX-License-Identifier: MIT */
/* The grammar of fault rules: what is read, and what somebody who mistyped is told. */
#include "frames.h"

#include "link/dice.h"
#include "link/fault.h"

static struct fault parsed(const char *spec)
{
    struct fault fault;
    char error[200] = "";
    if (fault_parse(&fault, spec, error, sizeof error) != WH_OK)
        fail_msg("\"%s\": %s", spec, error);
    return fault;
}

static void rules_of_the_manual_are_read(void **state)
{
    (void)state;
    assert_int_equal(parsed("loss 5%").chance, DICE_CERTAIN / 20);
    assert_int_equal(parsed("corrupt 0.1%").chance, DICE_CERTAIN / 1000);
    assert_int_equal(parsed("loss 100%").chance, DICE_CERTAIN);
    assert_int_equal(parsed("duplicate 0.0000001%").chance, 1);
    assert_int_equal(parsed("delay 50ms").amount, 50 * WH_MILLISECOND);
    assert_int_equal(parsed("delay 1.5us").amount, 1500);
    assert_int_equal(parsed("jitter 2m").amount, 120 * WH_SECOND);
    assert_int_equal(parsed("rate 10mbit").amount, 10000000);
    assert_int_equal(parsed("rate 2.5gbit").amount, 2500000000);
    struct fault bursts = parsed("bursts 1% 5");
    assert_int_equal(bursts.action, FAULT_BURSTS);
    assert_int_equal(bursts.chance, DICE_CERTAIN / 100);
    assert_int_equal(bursts.amount, 5);
    struct fault drop = parsed("drop syn-ack 3");
    assert_int_equal(drop.action, FAULT_DROP);
    assert_int_equal(drop.kind, KIND_SYN_ACK);
    assert_int_equal(drop.amount, 3);
    struct fault hold = parsed("hold ack-of-fin 5s");
    assert_int_equal(hold.action, FAULT_HOLD);
    assert_int_equal(hold.kind, KIND_ACK_OF_FIN);
    assert_int_equal(hold.amount, 5 * WH_SECOND);
    assert_int_equal(parsed("oversize 1400").action, FAULT_OVERSIZE);
    assert_int_equal(parsed("oversize 65535").amount, 65535);
    assert_int_equal(parsed("black-hole 68").action, FAULT_BLACK_HOLE);
    assert_int_equal(parsed("black-hole 68").amount, 68);
    assert_int_equal(parsed("refuse").action, FAULT_REFUSE);
    assert_int_equal(parsed("reset after 1mb").amount, 1 << 20);
    assert_int_equal(parsed("silence after 10s").amount, 10 * WH_SECOND);
    assert_int_equal(parsed("zero-window after 64kb").amount, 65536);
    assert_int_equal(parsed("  reorder\t1%  ").action, FAULT_REORDER);
}

static void limits_are_read(void **state)
{
    (void)state;
    struct fault fault = parsed("loss 1% to fd00::2 from port 1234 port 80 from client");
    wh_addr addr;
    wh_addr_parse("fd00::2", &addr);
    assert_true(fault.to.addr_given);
    assert_true(wh_addr_equal(&fault.to.addr, &addr));
    assert_int_equal(fault.from.port, 1234);
    assert_int_equal(fault.port, 80);
    assert_true(fault.from.side_given);
    assert_int_equal(fault.from.side, WH_A_TO_B);
    assert_int_equal(parsed("refuse to server").to.side, WH_A_TO_B);
    assert_int_equal(parsed("refuse to network").to.side, WH_A_TO_B);
    assert_int_equal(parsed("refuse to client").to.side, WH_B_TO_A);
    assert_int_equal(parsed("refuse from server").from.side, WH_B_TO_A);
    assert_int_equal(parsed("refuse from program").from.side, WH_A_TO_B);
}

/* The column, and the words that the message must name. */
static const struct {
    const char *spec, *column, *words;
} wrong[] = {
    { "", "column 1:", "zero-window, but the rule ends there" },
    { "   ", "column 4:", "loss, bursts, delay" },
    { "bursts 1%", "column 10:", "how many frames a burst takes" },
    { "bursts 1% 0", "column 11:", "how many frames a burst takes" },
    { "los 5%", "column 1:", "not \"los\"" },
    { "loss",
      "column 5:", "a percentage above 0% up to 100%, such as 0.5%, but the rule ends there" },
    { "loss 5", "column 6:", "a percentage" },
    { "loss 101%", "column 6:", "a percentage" },
    { "loss 0%", "column 6:", "a percentage" },
    { "loss .5%", "column 6:", "a percentage" },
    { "loss 5.%", "column 6:", "a percentage" },
    { "loss 1.2.3%", "column 6:", "a percentage" },
    { "loss -1%", "column 6:", "a percentage" },
    { "loss 5% 5%", "column 9:", "to, from, port or the end of the rule" },
    { "delay 50", "column 7:", "ns, us, ms, s or m" },
    { "delay 50min", "column 7:", "ns, us, ms, s or m" },
    { "delay 99999999999999999999s", "column 7:", "ns, us, ms, s or m" },
    { "delay 18446744073709551615m", "column 7:", "ns, us, ms, s or m" },
    { "delay 18446744074s", "column 7:", "ns, us, ms, s or m" },
    { "delay 1.0000000000ms", "column 7:", "ns, us, ms, s or m" },
    { "rate 10mb", "column 6:", "bit, kbit, mbit or gbit" },
    { "drop sin 1",
      "column 6:", "syn, syn-ack, ack-of-syn, data, fin, ack-of-fin or rst, not \"sin\"" },
    { "drop syn", "column 9:", "which one of that kind to drop" },
    { "drop syn 0", "column 10:", "which one of that kind to drop" },
    { "drop syn 1st", "column 10:", "which one of that kind to drop" },
    { "hold fin 5", "column 10:", "a time" },
    { "oversize", "column 9:", "the largest packet that passes, from 68 to 65535 bytes" },
    { "oversize 67", "column 10:", "the largest packet that passes" },
    { "black-hole 65536", "column 12:", "the largest packet that passes" },
    { "black-hole 1kb", "column 12:", "the largest packet that passes" },
    { "reset 1mb", "column 7:", "expected after, not \"1mb\"" },
    { "reset after 1mbit", "column 13:", "b, kb, mb or gb" },
    { "silence after", "column 14:", "a time" },
    { "refuse to", "column 10:", "an address, port, client or server, but" },
    { "refuse to nowhere", "column 11:", "an address, port, client or server, not \"nowhere\"" },
    { "refuse to 10.0.2.2 to fd00::2", "column 23:", "only one address" },
    { "refuse to client to server", "column 21:", "only one side" },
    { "refuse port 0", "column 13:", "a port from 1 to 65535" },
    { "refuse port 65536", "column 13:", "a port from 1 to 65535" },
    { "refuse port 1 port 2", "column 15:", "only one port" },
    { "refuse from port", "column 17:", "a port from 1 to 65535" },
    { "refuse, loss 5%", "column 1:", "not \"refuse,\"" },
    { "refuse to "
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "column 11:", "not \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"" },
};

static void errors_name_the_position_and_the_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct fault fault;
        char error[400] = "";
        int result = fault_parse(&fault, wrong[i].spec, error, sizeof error);
        if (result != WH_E_INVAL || strncmp(error, wrong[i].column, strlen(wrong[i].column)) != 0 ||
            strstr(error, wrong[i].words) == NULL || strchr(error, '\n') != NULL)
            fail_msg("\"%s\" gave %d, \"%s\"; expected %s ... %s", wrong[i].spec, result, error,
                     wrong[i].column, wrong[i].words);
    }
}

static void errors_fit_a_small_place(void **state)
{
    (void)state;
    struct fault fault;
    char error[8] = "1234567";
    assert_int_equal(fault_parse(&fault, "loss", error, 4), WH_E_INVAL);
    assert_string_equal(error, "col");
    assert_int_equal(error[4], '5');
}

static bool applies(const char *spec, const struct shape *shape)
{
    struct fault fault = parsed(spec);
    struct made made = make(shape);
    struct sight sight = look(&made.frame, WH_LINK_IP);
    bool answer = fault_applies(&fault, &sight, shape->direction);
    free(made.bytes);
    return answer;
}

static void limits_choose_frames(void **state)
{
    (void)state;
    const struct shape forth = { .flags = WH_SYN },
                       back = { .direction = WH_B_TO_A, .flags = WH_SYN };
    const struct shape forth6 = { .six = true, .flags = WH_SYN };
    assert_true(applies("loss 1%", &forth));
    assert_true(applies("loss 1% to 10.0.2.2", &forth));
    assert_false(applies("loss 1% to 10.0.2.2", &back));
    assert_false(applies("loss 1% to 10.0.2.2", &forth6));
    assert_true(applies("loss 1% to fd00::2", &forth6));
    assert_true(applies("loss 1% from 10.0.2.2", &back));
    assert_true(applies("loss 1% to server", &forth));
    assert_false(applies("loss 1% to server", &back));
    assert_true(applies("loss 1% from server", &back));
    assert_true(applies("loss 1% port 80", &forth));
    assert_true(applies("loss 1% port 80", &back));
    assert_false(applies("loss 1% port 81", &forth));
    assert_true(applies("loss 1% to port 80", &forth));
    assert_false(applies("loss 1% to port 80", &back));
    assert_true(applies("loss 1% from port 80", &back));
    assert_true(applies("loss 1% from client to 10.0.2.2 port 80", &forth));
    assert_false(applies("loss 1% from client to 10.0.2.3 port 80", &forth));
}

static void frames_without_ports_match_no_port(void **state)
{
    (void)state;
    uint8_t arp[42] = { [12] = 0x08, [13] = 0x06 };
    struct sight sight;
    sight_take(&sight, WH_LINK_ETHERNET, arp, sizeof arp);
    struct fault any = parsed("loss 1%"), port = parsed("loss 1% port 80");
    struct fault addr = parsed("loss 1% to 10.0.2.2");
    assert_true(fault_applies(&any, &sight, WH_A_TO_B));
    assert_false(fault_applies(&port, &sight, WH_A_TO_B));
    assert_false(fault_applies(&addr, &sight, WH_A_TO_B));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_of_the_manual_are_read),
        cmocka_unit_test(limits_are_read),
        cmocka_unit_test(errors_name_the_position_and_the_words),
        cmocka_unit_test(errors_fit_a_small_place),
        cmocka_unit_test(limits_choose_frames),
        cmocka_unit_test(frames_without_ports_match_no_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
