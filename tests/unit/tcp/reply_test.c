/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include "tcp/context.h"

struct fixture {
    struct arena arena;
    struct tcp tcp;
};

static struct fixture *begin(uint32_t capacity)
{
    struct fixture *f = calloc(1, sizeof *f);
    arena_begin(&f->arena, (size_t)1 << 20);
    f->tcp.defaults = profile_new(&f->arena.memory);
    assert_int_equal(reply_queue_init(&f->tcp.replies, &f->arena.memory, capacity), WH_OK);
    return f;
}

static void end(struct fixture *f)
{
    reply_queue_free(&f->tcp.replies, &f->arena.memory);
    profile_drop(&f->arena.memory, f->tcp.defaults);
    arena_end(&f->arena);
    free(f);
}

static const struct tuple tuple = { .local_port = 80, .remote_port = 4000 };

static void first_in_first_out_round_the_ring(void **state)
{
    (void)state;
    struct fixture *f = begin(4);
    uint32_t in = 0, out = 0;
    uint64_t dice = 3;
    assert_null(reply_queue_first(&f->tcp.replies));
    for (unsigned i = 0; i < 200; i++) {
        if (any_below(&dice, 2)) {
            struct reply *reply = reply_queue_add(&f->tcp.replies);
            if (in - out == 4) {
                assert_null(reply);
                continue;
            }
            assert_int_equal(reply->seq, 0); /* cleared, whoever stood there before */
            assert_int_equal(reply->has, 0);
            reply->seq = ++in;
            reply->has = 0xff;
        } else if (in != out) {
            assert_int_equal(reply_queue_first(&f->tcp.replies)->seq, ++out);
            reply_queue_remove(&f->tcp.replies);
        }
    }
    end(f);
}

static void what_finds_no_room_is_counted(void **state)
{
    (void)state;
    struct fixture *f = begin(2);
    assert_non_null(reply_add(&f->tcp, &tuple, WH_LISTEN, WH_WHY_NONE));
    assert_non_null(reply_add(&f->tcp, &tuple, WH_LISTEN, WH_WHY_NONE));
    assert_null(reply_add(&f->tcp, &tuple, WH_LISTEN, WH_WHY_NONE));
    assert_int_equal(f->tcp.count[WH_WHY_REPLY_QUEUE_FULL], 1);
    struct segment segment = { .flags = WH_SYN };
    reply_reset(&f->tcp, &segment, WH_CLOSED, WH_WHY_NO_CONNECTION);
    assert_int_equal(f->tcp.count[WH_WHY_REPLY_QUEUE_FULL], 2);
    end(f);
}

static void a_reply_has_the_stacks_defaults(void **state)
{
    (void)state;
    struct fixture *f = begin(2);
    assert_int_equal(profile_set(&f->arena.memory, &f->tcp.defaults, WH_OPT_TTL, 7), WH_OK);
    assert_int_equal(profile_set(&f->arena.memory, &f->tcp.defaults, WH_OPT_DSCP, 46), WH_OK);
    const struct reply *reply =
        reply_add(&f->tcp, &tuple, WH_TIME_WAIT, WH_WHY_TIME_WAIT_FIN_AGAIN);
    assert_memory_equal(&reply->tuple, &tuple, sizeof tuple);
    assert_int_equal(reply->hops, 7);
    assert_int_equal(reply->traffic_class, 46 << 2);
    assert_int_equal(reply->state, WH_TIME_WAIT);
    assert_int_equal(reply->reason, WH_WHY_TIME_WAIT_FIN_AGAIN);
    end(f);
}

/* RFC 9293 3.10.7.1, the four shapes of segments that belong to nothing. */
static void resets_take_their_numbers_from_the_segment(void **state)
{
    (void)state;
    static const struct {
        uint16_t flags;
        uint32_t length;
        uint16_t reset;
        uint32_t seq, ack;
    } row[] = {
        { WH_SYN, 0, WH_RST | WH_ACK, 0, 1001 },
        { WH_SYN, 10, WH_RST | WH_ACK, 0, 1011 },
        { WH_SYN | WH_FIN, 10, WH_RST | WH_ACK, 0, 1012 },
        { 0, 10, WH_RST | WH_ACK, 0, 1010 },
        { WH_FIN, 0, WH_RST | WH_ACK, 0, 1001 },
        { 0, 0, WH_RST | WH_ACK, 0, 1000 },
        { WH_ACK, 10, WH_RST, 5555, 0 },
        { WH_SYN | WH_ACK, 0, WH_RST, 5555, 0 },
        { WH_FIN | WH_ACK, 0, WH_RST, 5555, 0 },
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct fixture *f = begin(2);
        struct segment segment = {
            .tuple = tuple, .seq = 1000, .ack = 5555, .flags = row[i].flags, .length = row[i].length
        };
        reply_reset(&f->tcp, &segment, WH_CLOSED, WH_WHY_NO_CONNECTION);
        const struct reply *reply = reply_queue_first(&f->tcp.replies);
        assert_int_equal(reply->flags, row[i].reset);
        assert_int_equal(reply->seq, row[i].seq);
        assert_int_equal(reply->ack, row[i].ack);
        assert_int_equal(reply->window, 0);
        assert_int_equal(reply->has, 0);
        end(f);
    }
}

static void without_memory_there_is_no_queue(void **state)
{
    (void)state;
    struct arena arena;
    struct reply_queue queue;
    arena_begin(&arena, (size_t)1 << 20);
    arena.refuse_all = true;
    assert_int_equal(reply_queue_init(&queue, &arena.memory, 4), WH_E_NOMEM);
    reply_queue_free(&queue, &arena.memory);
    arena_end(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out_round_the_ring),
        cmocka_unit_test(what_finds_no_room_is_counted),
        cmocka_unit_test(a_reply_has_the_stacks_defaults),
        cmocka_unit_test(resets_take_their_numbers_from_the_segment),
        cmocka_unit_test(without_memory_there_is_no_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
