/* SPDX-License-Identifier: MIT */
/*
 * Bytes that stay where they are: what wh_send_ref sends and what a link lends. Each piece is given
 * back exactly once, and not before nobody looks at it any more.
 */
#include "pair.h"

#define PIECES 64

/* A piece of memory with a count of how often it was given back; AddressSanitizer sees who is late. */
struct piece_of {
    uint8_t *bytes;
    size_t length;
    unsigned done;
};

static void give_back(void *argument)
{
    struct piece_of *piece = argument;
    piece->done++;
    free(piece->bytes);
    piece->bytes = NULL;
}

static uint8_t stream_byte(size_t n) { return (uint8_t)(n * 7 + n / 251); }

static void make_piece(struct piece_of *piece, size_t at, size_t length)
{
    piece->bytes = malloc(length);
    piece->length = length;
    piece->done = 0;
    for (size_t i = 0; i < length; i++) {
        piece->bytes[i] = stream_byte(at + i);
    }
}

static int64_t send_piece(struct pair *p, struct piece_of *piece)
{
    return wh_send_ref(p->conn[0], piece->bytes, piece->length, 0, give_back, piece);
}

static size_t read_stream(struct pair *p, size_t at)
{
    uint8_t bytes[4096];
    int64_t n;
    while ((n = wh_recv(p->conn[1], bytes, sizeof bytes)) > 0) {
        for (int64_t i = 0; i < n; i++) {
            assert_int_equal(bytes[i], stream_byte(at++));
        }
    }
    return at;
}

/* Pieces of odd lengths between copied ones, a frame in seven lost: all arrives, each is done once. */
static void all_arrives_and_is_given_back(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    static struct piece_of piece[PIECES];
    size_t sent = 0, read = 0;
    unsigned pieces = 0;
    for (unsigned round = 0; round < 5000 && read < sent + (pieces < PIECES); round++) {
        if (pieces < PIECES) {
            make_piece(&piece[pieces], sent, 1 + pieces * 631);
            if (send_piece(p, &piece[pieces]) > 0) {
                sent += piece[pieces++].length;
            } else {
                free(piece[pieces].bytes);
            }
            uint8_t copied[3] = { stream_byte(sent), stream_byte(sent + 1), stream_byte(sent + 2) };
            int64_t n = wh_send(p->conn[0], copied, sizeof copied, 0);
            sent += n > 0 ? (size_t)n : 0;
        }
        wh_frame frame;
        while (wh_output(p->host[0], &frame, 1, p->now) == 1) {
            uint8_t bytes[2048];
            size_t at = 0;
            for (uint32_t k = 0; k < frame.slices; k++) {
                memcpy(bytes + at, frame.slice[k].base, frame.slice[k].length);
                at += frame.slice[k].length;
            }
            wh_frame in = { .slice[0] = { bytes, at }, .slices = 1, .length = frame.length };
            if (frame.serial % 7 != 0) {
                wh_input(p->host[1], &in, 1, p->now);
            }
            wh_sent(p->host[0], &frame, 1);
        }
        read = read_stream(p, read);
        carry(p, 1, 64);
        p->now += 50 * WH_MILLISECOND;
    }
    assert_int_equal(pieces, PIECES);
    assert_int_equal(read, sent);
    pass(p, p->now + WH_SECOND, 64); /* the last acknowledgement */
    assert_int_equal(p->host[1]->tcp.count[WH_WHY_TCP_CHECKSUM], 0);
    for (unsigned i = 0; i < PIECES; i++) {
        assert_int_equal(piece[i].done, 1);
    }
    assert_null(wh_check(p->host[0]));
    end(p);
}

/* Acknowledged, but a frame with the link still refers to it. */
static void not_before_the_link_is_done(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    struct piece_of piece;
    wh_frame frame;
    make_piece(&piece, 0, 1000);
    assert_int_equal(send_piece(p, &piece), 1000);
    assert_int_equal(wh_output(p->host[0], &frame, 1, p->now), 1);
    pass(p, p->now + 5 * WH_SECOND, 64); /* a retransmission arrives and is acknowledged */
    assert_int_equal(read_stream(p, 0), 1000);
    assert_int_equal(p->conn[0]->send.length, 0);
    assert_int_equal(piece.done, 0);
    wh_sent(p->host[0], &frame, 1);
    assert_int_equal(piece.done, 1);
    end(p);
}

static void the_end_of_the_connection_gives_back(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 4; how++) {
        struct pair *p = begin(65535);
        struct piece_of piece;
        make_piece(&piece, 0, 100000);
        assert_int_equal(send_piece(p, &piece), 100000);
        if (how == 0) {
            wh_abort(p->conn[0]);
            assert_int_equal(piece.done, 1);
        } else if (how == 1) {
            carry(p, 0, 64);
            wh_abort(p->conn[1]);
            exchange(p, 64); /* the reset */
            assert_int_equal(piece.done, 1);
        } else if (how == 2) {
            assert_int_equal(wh_flush(p->conn[0]), 100000);
            assert_int_equal(piece.done, 1);
        } else {
            carry(p, 0, 64);
            assert_int_equal(piece.done, 0);
        }
        end(p); /* the stack is freed */
        assert_int_equal(piece.done, 1);
    }
}

/* What is kept of a piece after a flush is sent from where it is, and nothing is written behind it. */
static void a_flush_leaves_the_piece_alone(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    struct piece_of piece;
    wh_frame frame;
    uint8_t more[100];
    wh_slice slices[2];
    make_piece(&piece, 0, 5000);
    assert_int_equal(send_piece(p, &piece), 5000);
    assert_int_equal(wh_output(p->host[0], &frame, 1, p->now), 1);
    int64_t dropped = wh_flush(p->conn[0]);
    assert_true(dropped > 0 && dropped < 5000);
    size_t kept = 5000 - (size_t)dropped;
    for (size_t i = 0; i < sizeof more; i++) {
        more[i] = stream_byte(kept + i);
    }
    assert_int_equal(wh_reserve(p->conn[0], 50, slices, 2), 1);
    assert_true((const uint8_t *)slices[0].base < piece.bytes ||
                (const uint8_t *)slices[0].base >= piece.bytes + 5000);
    uint8_t before = piece.bytes[kept];
    piece.bytes[kept] = (uint8_t)~before;
    assert_int_equal(wh_send(p->conn[0], more, sizeof more, 0), sizeof more);
    assert_int_equal(piece.bytes[kept], (uint8_t)~before);
    wh_sent(p->host[0], &frame, 1); /* lost */
    pass(p, p->now + 10 * WH_SECOND, 64);
    assert_int_equal(read_stream(p, 0), kept + sizeof more);
    assert_int_equal(piece.done, 1);
    end(p);
}

static void what_is_refused_is_not_given_back(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    struct piece_of first, second;
    make_piece(&first, 0, 1 << 20);
    make_piece(&second, 0, 10);
    assert_int_equal(wh_send_ref(p->conn[0], second.bytes, 0, 0, give_back, &second), WH_E_INVAL);
    assert_int_equal(
        wh_send_ref(p->conn[0], second.bytes, ((size_t)1 << 30) + 1, 0, give_back, &second),
        WH_E_INVAL);
    p->arena.refuse_all = true;
    chunk_store_trim(&p->host[0]->tcp.chunks);
    assert_int_equal(send_piece(p, &second), WH_E_NOMEM);
    p->arena.refuse_all = false;
    assert_int_equal(send_piece(p, &first), 1 << 20); /* whole, beyond the send buffer */
    assert_int_equal(send_piece(p, &second), WH_E_AGAIN);
    assert_int_equal(wh_shutdown(p->conn[0], WH_WRITE), WH_OK);
    assert_int_equal(send_piece(p, &second), WH_E_PIPE);
    end(p);
    assert_int_equal(first.done, 1);
    assert_int_equal(second.done, 0);
    free(second.bytes);
}

/* ---------------------------------------------------------------- lending -- */

/* The next frame of host 0, in memory of the link's that host 1 is lent. */
static void lend_frame(struct pair *p, struct piece_of *memory, size_t size)
{
    wh_frame frame;
    assert_int_equal(wh_output(p->host[0], &frame, 1, p->now), 1);
    memory->bytes = malloc(size);
    memory->length = size;
    memory->done = 0;
    size_t at = 0;
    for (uint32_t k = 0; k < frame.slices; k++) {
        memcpy(memory->bytes + at, frame.slice[k].base, frame.slice[k].length);
        at += frame.slice[k].length;
    }
    wh_frame in = { .slice[0] = { memory->bytes, at }, .slices = 1, .length = frame.length };
    in.buffer = wh_buffer_lend(p->host[1], memory->bytes, size, give_back, memory);
    assert_non_null(in.buffer);
    wh_sent(p->host[0], &frame, 1);
    wh_input(p->host[1], &in, 1, p->now);
}

static void data_stays_in_what_is_lent(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    struct piece_of memory;
    uint8_t bytes[1000];
    wh_slice slice[2];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = stream_byte(i);
    }
    assert_int_equal(wh_set(p->conn[0], WH_OPT_NAGLE, 0), WH_OK);
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    lend_frame(p, &memory, 1500);
    assert_int_equal(memory.done, 0);
    assert_int_equal(wh_peek(p->conn[1], slice, 2), 1);
    assert_true((const uint8_t *)slice[0].base > memory.bytes &&
                (const uint8_t *)slice[0].base < memory.bytes + 1500);
    assert_memory_equal(slice[0].base, bytes, sizeof bytes);
    assert_int_equal(wh_consume(p->conn[1], 999), WH_OK);
    assert_int_equal(memory.done, 0);
    /* What comes next is not written behind it, into what is the link's. */
    carry(p, 1, 64);
    uint8_t one = stream_byte(1000);
    assert_int_equal(wh_send(p->conn[0], &one, 1, 0), 1);
    carry(p, 0, 64);
    assert_int_equal(wh_peek(p->conn[1], slice, 2), 2);
    assert_int_equal(read_stream(p, 999), 1001);
    assert_int_equal(memory.done, 1);
    exchange(p, 64);
    end(p);
}

/* Little data in much memory, no data at all, and what is never passed on go back at once. */
static void what_is_not_needed_goes_back_at_once(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    struct piece_of memory;
    uint8_t bytes[100];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = stream_byte(i);
    }
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    lend_frame(p, &memory, 1500);
    assert_int_equal(memory.done, 1);
    assert_int_equal(read_stream(p, 0), 100);
    make_piece(&memory, 0, 10);
    wh_buffer_free(p->host[1], wh_buffer_lend(p->host[1], memory.bytes, 10, give_back, &memory));
    assert_int_equal(memory.done, 1);
    exchange(p, 64);
    end(p);
}

static void a_stack_that_is_freed_gives_back_what_was_lent(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    struct piece_of memory;
    uint8_t bytes[1000] = { 0 };
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    lend_frame(p, &memory, 1500);
    assert_int_equal(memory.done, 0);
    end(p);
    assert_int_equal(memory.done, 1);
}

static void lending_needs_a_little_memory(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    struct piece_of memory;
    make_piece(&memory, 0, 10);
    chunk_store_trim(&p->host[1]->tcp.chunks);
    p->arena.refuse_all = true;
    assert_null(wh_buffer_lend(p->host[1], memory.bytes, 10, give_back, &memory));
    p->arena.refuse_all = false;
    assert_null(wh_buffer_lend(p->host[1], memory.bytes, SIZE_MAX, give_back, &memory));
    assert_int_equal(memory.done, 0);
    free(memory.bytes);
    end(p);
}

/* --------------------------------------------------------------- carrying -- */

/* Carries what host 0 has to say, changed in one bit if `flip` lies within the frame. */
static void carry_changed(struct pair *p, size_t flip)
{
    wh_frame out[64], in[64];
    size_t n = wh_output(p->host[0], out, 64, p->now);
    for (size_t i = 0; i < n; i++) {
        uint8_t whole[2048];
        size_t at = 0;
        for (uint32_t k = 0; k < out[i].slices; k++) {
            memcpy(whole + at, out[i].slice[k].base, out[i].slice[k].length);
            at += out[i].slice[k].length;
        }
        wh_frame copy = out[i];
        if (flip / 8 < at) {
            whole[flip / 8] ^= (uint8_t)(1U << flip % 8);
        }
        /* In slices of odd lengths, as a link may find them. */
        copy.slice[0] = (wh_slice){ whole, 33 };
        copy.slice[1] = (wh_slice){ whole + 33, 20 };
        copy.slice[2] = (wh_slice){ whole + 53, at - 53 };
        copy.slices = 3;
        assert_true(wh_carry(p->host[1], &copy, &in[i]));
        assert_memory_equal(in[i].slice[0].base, whole, at);
        assert_int_equal(in[i].slice[0].length, at);
    }
    wh_sent(p->host[0], out, n);
    wh_input(p->host[1], in, n, p->now);
}

/* The sum that the link has made finds every bit that is wrong. */
static void a_carried_frame_is_checked(void **state)
{
    (void)state;
    uint8_t bytes[700];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = stream_byte(i);
    }
    struct pair *p = begin(65535);
    assert_int_equal(wh_send(p->conn[0], bytes, 699, 0), 699);
    carry_changed(p, SIZE_MAX);
    assert_int_equal(read_stream(p, 0), 699);
    exchange(p, 64);
    end(p);
    for (size_t flip = 0; flip < 752 * 8; flip += 13) {
        p = begin(65535);
        assert_int_equal(wh_send(p->conn[0], bytes, 700, 0), 700);
        carry_changed(p, flip);
        assert_int_equal(read_all(p, 1), 0);
        end(p);
    }
}

/* Bytes behind the packet (RFC 894 padding) are in the link's sum, and not in the packet's. */
static void padding_does_not_count(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    uint8_t byte = stream_byte(0), whole[2048];
    wh_frame out, in;
    assert_int_equal(wh_send(p->conn[0], &byte, 1, 0), 1);
    assert_int_equal(wh_output(p->host[0], &out, 1, p->now), 1);
    size_t at = 0;
    for (uint32_t k = 0; k < out.slices; k++) {
        memcpy(whole + at, out.slice[k].base, out.slice[k].length);
        at += out.slice[k].length;
    }
    memset(whole + at, 0xa5, 9);
    wh_frame padded = { .slice[0] = { whole, at + 9 }, .slices = 1, .length = (uint32_t)at + 9 };
    assert_true(wh_carry(p->host[1], &padded, &in));
    wh_sent(p->host[0], &out, 1);
    wh_input(p->host[1], &in, 1, p->now);
    assert_int_equal(read_stream(p, 0), 1);
    exchange(p, 64);
    end(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_arrives_and_is_given_back),
        cmocka_unit_test(not_before_the_link_is_done),
        cmocka_unit_test(the_end_of_the_connection_gives_back),
        cmocka_unit_test(a_flush_leaves_the_piece_alone),
        cmocka_unit_test(what_is_refused_is_not_given_back),
        cmocka_unit_test(data_stays_in_what_is_lent),
        cmocka_unit_test(what_is_not_needed_goes_back_at_once),
        cmocka_unit_test(a_stack_that_is_freed_gives_back_what_was_lent),
        cmocka_unit_test(lending_needs_a_little_memory),
        cmocka_unit_test(a_carried_frame_is_checked),
        cmocka_unit_test(padding_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
