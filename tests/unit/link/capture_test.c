/* SPDX-License-Identifier: MIT */
/* Capture files: written by us, read by libpcap and, where it is installed, by tshark. */
#define _GNU_SOURCE
#include "frames.h"

#include <fcntl.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "link/capture_read.h"

static const uint64_t start = UINT64_C(1700000000123456789);

static int setup(void **state)
{
    char *file = strdup("/tmp/wavehand-capture-XXXXXX");
    int fd = mkstemp(file);
    *state = file;
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    unlink(*state);
    free(*state);
    return 0;
}

static wh_capture *create(const char *file, wh_link_kind link)
{
    wh_capture *capture;
    char error[200];
    if (wh_capture_open(&capture, file, link, error, sizeof error) != WH_OK)
        fail_msg("%s", error);
    return capture;
}

static struct capture_reader *open_reader(const char *file)
{
    struct capture_reader *reader;
    char error[300];
    if (capture_reader_open(&reader, file, error, sizeof error) != WH_OK)
        fail_msg("%s", error);
    return reader;
}

static struct captured next(struct capture_reader *reader)
{
    struct captured captured;
    char error[300] = "";
    int result = capture_reader_next(reader, &captured, error, sizeof error);
    if (result != 1)
        fail_msg("%d %s", result, error);
    return captured;
}

static void assert_at_end(struct capture_reader *reader)
{
    struct captured captured;
    char error[300] = "";
    int result = capture_reader_next(reader, &captured, error, sizeof error);
    if (result != 0)
        fail_msg("%d %s", result, error);
}

static void write_shape(wh_capture *capture, const struct shape *shape, uint64_t when,
                        const char *comment)
{
    struct made made = make(shape);
    assert_int_equal(
        wh_capture_write(capture, when, shape->direction == WH_A_TO_B, &made.frame, comment),
        WH_OK);
    free(made.bytes);
}

static void frames_come_back_with_checksums_completed(void **state)
{
    for (int ethernet = 0; ethernet < 2; ethernet++) {
        wh_link_kind link = ethernet ? WH_LINK_ETHERNET : WH_LINK_IP;
        wh_capture *capture = create(*state, link);
        const uint32_t sizes[] = { 0, 1, 2, 3, 1460, 65000, 64000, 65000, 63999, 65000, 7 };
        enum { N = sizeof sizes / sizeof sizes[0] };
        for (uint32_t i = 0; i < N; i++) {
            struct shape shape = { .flags = WH_ACK,
                                   .seq = i,
                                   .data = sizes[i],
                                   .partial = true,
                                   .six = i & 1,
                                   .segment_size = 1400,
                                   .ethernet = ethernet,
                                   .direction = (wh_direction)(i & 1) };
            write_shape(capture, &shape, start + i, i % 3 ? "a comment" : NULL);
        }
        assert_int_equal(wh_capture_close(capture), WH_OK);
        struct capture_reader *reader = open_reader(*state);
        for (uint32_t i = 0; i < N; i++) {
            struct captured captured = next(reader);
            assert_int_equal(captured.number, i + 1);
            assert_true(captured.when == start + i);
            assert_int_equal(captured.length, captured.wire_length);
            struct sight sight;
            sight_take(&sight, link, (uint8_t *)(uintptr_t)captured.frame, captured.length);
            assert_true(sight.tcp);
            assert_true(checksums_right(&sight));
            assert_int_equal(sight.seq, i);
            assert_int_equal(sight.data, sizes[i]);
            assert_ptr_equal(captured.ip, captured.frame + (ethernet ? 14 : 0));
            assert_int_equal(captured.ip_length, captured.length - (ethernet ? 14 : 0));
        }
        assert_at_end(reader);
        capture_reader_close(reader);
    }
}

/* What tshark prints for these fields; the test fails if it complains about anything. */
static char *tshark(const char *file, const char *fields)
{
    char command[500], *answer = calloc(1, 65536);
    snprintf(command, sizeof command, "HOME=/nonexistent tshark -r %s -T fields %s 2>&1", file,
             fields);
    FILE *pipe = popen(command, "r");
    size_t length = fread(answer, 1, 65535, pipe);
    answer[length] = '\0';
    assert_int_equal(pclose(pipe), 0);
    return answer;
}

static void tshark_reads_it_without_a_warning(void **state)
{
    if (access("/usr/bin/tshark", X_OK) != 0) {
        print_message("skipped: tshark is not installed\n");
        skip();
    }
    wh_capture *capture = create(*state, WH_LINK_IP);
    write_shape(capture, &(struct shape){ .flags = WH_SYN, .seq = 1, .partial = true }, start,
                "SYN-SENT: BY_APPLICATION");
    write_shape(
        capture,
        &(struct shape){ .flags = WH_SYN | WH_ACK, .seq = 9, .ack = 2, .direction = WH_B_TO_A },
        start + 5, NULL);
    write_shape(capture,
                &(struct shape){
                    .flags = WH_ACK, .seq = 2, .ack = 10, .data = 65000, .segment_size = 1460 },
                start + 10, "super");
    assert_int_equal(wh_capture_close(capture), WH_OK);
    char *text = tshark(
        *state, "-o tcp.check_checksum:TRUE -e frame.comment -e frame.packet_flags_direction "
                "-e tcp.len -e tcp.checksum.status -e frame.time_epoch -e _ws.expert.message");
    /* Root is told that it is root; the rest must be these lines alone. */
    char *from = strstr(text, "SYN-SENT");
    assert_non_null(from);
    if (strncmp(from, "SYN-SENT: BY_APPLICATION\t0x00000002\t0\t1\t1700000000.123456789\t", 60) !=
        0)
        fail_msg("%s", text);
    assert_non_null(strstr(from, "\t0x00000001\t0\t1\t1700000000.123456794\t"));
    assert_non_null(strstr(from, "super\t0x00000002\t65000\t1\t1700000000.123456799\t"));
    assert_null(strstr(text, "ad checksum"));
    assert_null(strstr(text, "appears to be damaged"));
    assert_null(strstr(text, "arning"));
    assert_null(strstr(text, "alformed"));
    free(text);
}

/* A long comment is cut, a frame that no packet can be is refused, and neither harms the file. */
static void extremes_are_bounded(void **state)
{
    wh_capture *capture = create(*state, WH_LINK_IP);
    char *comment = malloc(100001);
    memset(comment, 'x', 100000);
    comment[100000] = '\0';
    for (unsigned i = 0; i < 100; i++)
        write_shape(capture, &(struct shape){ .flags = WH_ACK, .data = 65000 + i }, start, comment);
    uint8_t *bytes = calloc(1, 70000);
    wh_frame frame = { .slice = { { bytes, 70000 } }, .slices = 1, .length = 70000 };
    assert_int_equal(wh_capture_write(capture, start, true, &frame, NULL), WH_E_MSGSIZE);
    assert_int_equal(wh_capture_close(capture), WH_OK);
    struct capture_reader *reader = open_reader(*state);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(next(reader).length, 40 + 65000 + i);
    assert_at_end(reader);
    capture_reader_close(reader);
    free(comment);
    free(bytes);
}

/* Runs in a child whose files may not grow beyond `limit`; its status is what wh_capture_write answered at last. */
static int fill_up(const char *file, rlim_t limit)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){ limit, limit });
        wh_capture *capture = create(file, WH_LINK_IP);
        struct made made = make(&(struct shape){ .flags = WH_ACK, .data = 1000 });
        int result = WH_OK, again = WH_OK;
        for (unsigned i = 0; i < 2000 && result == WH_OK; i++)
            result = wh_capture_write(capture, start + i, true, &made.frame, NULL);
        again = wh_capture_write(capture, start, true, &made.frame, NULL);
        bool said = result == WH_E_IO && again == WH_E_IO && wh_capture_close(capture) == WH_E_IO;
        free(made.bytes);
        _exit(said ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

static void a_full_disk_leaves_whole_frames(void **state)
{
    for (rlim_t limit = 300000; limit < 300040; limit += 13) {
        struct stat status;
        assert_int_equal(fill_up(*state, limit), 0);
        assert_int_equal(stat(*state, &status), 0);
        assert_true(status.st_size <= (off_t)limit && status.st_size > (off_t)limit - 1100);
        struct capture_reader *reader = open_reader(*state);
        struct captured captured;
        char error[300] = "";
        unsigned frames = 0;
        int result;
        while ((result = capture_reader_next(reader, &captured, error, sizeof error)) == 1)
            frames++;
        assert_int_equal(result, 0);
        assert_in_range(frames, 250, 300);
        capture_reader_close(reader);
    }
}

static void frames_reach_the_file_in_time(void **state)
{
    wh_capture *capture = create(*state, WH_LINK_IP);
    struct stat before, after;
    assert_int_equal(stat(*state, &before), 0);
    assert_true(before.st_size > 0);
    write_shape(capture, &(struct shape){ .flags = WH_SYN }, start, NULL);
    assert_int_equal(stat(*state, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    write_shape(capture, &(struct shape){ .flags = WH_SYN }, start + WH_SECOND / 10, NULL);
    assert_int_equal(stat(*state, &after), 0);
    assert_true(after.st_size > before.st_size + 80);
    write_shape(capture, &(struct shape){ .flags = WH_SYN }, start + WH_SECOND / 10, NULL);
    assert_int_equal(wh_capture_flush(capture), WH_OK);
    assert_int_equal(stat(*state, &before), 0);
    assert_true(before.st_size > after.st_size);
    assert_int_equal(wh_capture_close(capture), WH_OK);
    assert_int_equal(wh_capture_close(NULL), WH_OK);
}

static void files_that_cannot_be_made_are_told(void **state)
{
    (void)state;
    wh_capture *capture;
    char error[200] = "";
    assert_int_equal(
        wh_capture_open(&capture, "/nonexistent/x.pcapng", WH_LINK_IP, error, sizeof error),
        WH_E_IO);
    assert_string_equal(
        error, "/nonexistent/x.pcapng: cannot create this capture file: No such file or directory");
    if (access("/dev/full", W_OK) == 0) {
        assert_int_equal(wh_capture_open(&capture, "/dev/full", WH_LINK_IP, error, sizeof error),
                         WH_E_IO);
        assert_string_equal(
            error, "/dev/full: cannot write to this capture file: No space left on device");
    }
}

/* Writes a file with libpcap: one frame of these bytes on this kind of link, and the first `cut` of them. */
static void write_with_libpcap(const char *file, int link, const uint8_t *bytes, uint32_t length,
                               uint32_t cut)
{
    pcap_t *dead = pcap_open_dead_with_tstamp_precision(link, 65535, PCAP_TSTAMP_PRECISION_MICRO);
    pcap_dumper_t *dumper = pcap_dump_open(dead, file);
    struct pcap_pkthdr header = { .ts = { 1700000000, 123456 }, .caplen = length, .len = length };
    pcap_dump((u_char *)dumper, &header, bytes);
    header.caplen = cut;
    if (cut > 0)
        pcap_dump((u_char *)dumper, &header, bytes);
    pcap_dump_close(dumper);
    pcap_close(dead);
}

static void link_headers_are_stepped_over(void **state)
{
    static const uint8_t ethernet[14] = { [12] = 0x08 },
                         vlan[22] = { [12] = 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 0x08 };
    static const uint8_t null[4] = { 2 }, cooked[16] = { [14] = 0x86, [15] = 0xdd };
    static const uint8_t cooked2[20] = { 0x08 }, arp[14] = { [12] = 0x08, [13] = 0x06 },
                         triple[26] = { [12] = 0x81, [16] = 0x81, [20] = 0x81, [24] = 0x08 };
    static const struct {
        int link;
        const uint8_t *header;
        uint32_t length;
        bool six, ip;
    } cases[] = {
        { DLT_RAW, NULL, 0, false, true },         { DLT_IPV6, NULL, 0, true, true },
        { DLT_EN10MB, ethernet, 14, false, true }, { DLT_EN10MB, vlan, 22, false, true },
        { DLT_EN10MB, arp, 14, false, false },     { DLT_EN10MB, triple, 26, false, false },
        { DLT_NULL, null, 4, false, true },        { DLT_LOOP, null, 4, true, true },
        { DLT_LINUX_SLL, cooked, 16, true, true }, { DLT_LINUX_SLL2, cooked2, 20, false, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct made made = make(&(struct shape){ .flags = WH_SYN, .six = cases[i].six });
        uint8_t bytes[200];
        uint32_t length = cases[i].length + made.frame.length;
        if (cases[i].length > 0)
            memcpy(bytes, cases[i].header, cases[i].length);
        memcpy(bytes + cases[i].length, made.bytes, made.frame.length);
        write_with_libpcap(*state, cases[i].link, bytes, length, 0);
        struct capture_reader *reader = open_reader(*state);
        struct captured captured = next(reader);
        assert_true(captured.when == UINT64_C(1700000000123456000));
        assert_int_equal(captured.length, length);
        if (cases[i].ip) {
            assert_ptr_equal(captured.ip, captured.frame + cases[i].length);
            assert_int_equal(captured.ip_length, made.frame.length);
            assert_memory_equal(captured.ip, made.bytes, made.frame.length);
        } else {
            assert_null(captured.ip);
        }
        capture_reader_close(reader);
        /* Cut anywhere inside the link header, nothing is read beyond. */
        for (uint32_t cut = 1; cut <= cases[i].length; cut++) {
            write_with_libpcap(*state, cases[i].link, bytes, length, cut);
            reader = open_reader(*state);
            next(reader);
            captured = next(reader);
            assert_int_equal(captured.length, cut);
            assert_null(captured.ip);
            capture_reader_close(reader);
        }
        free(made.bytes);
    }
}

static void files_that_cannot_be_read_are_told(void **state)
{
    struct capture_reader *reader;
    struct captured captured;
    char error[300] = "";
    assert_int_equal(capture_reader_open(&reader, "/nonexistent", error, sizeof error), WH_E_IO);
    assert_non_null(strstr(error, "No such file"));
    int fd = open(*state, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, "GIF89a.................", 20), 20);
    close(fd);
    assert_int_equal(capture_reader_open(&reader, *state, error, sizeof error), WH_E_IO);
    assert_non_null(strstr(error, "cannot read this capture"));
    const uint8_t byte = 0;
    write_with_libpcap(*state, DLT_IEEE802_11, &byte, 1, 0);
    assert_int_equal(capture_reader_open(&reader, *state, error, sizeof error), WH_E_INVAL);
    assert_non_null(strstr(error, "IEEE802_11"));
    write_with_libpcap(*state, DLT_RAW, (const uint8_t *)"0123456789", 10, 0);
    assert_int_equal(truncate(*state, 24 + 16 + 5), 0);
    reader = open_reader(*state);
    assert_int_equal(capture_reader_next(reader, &captured, error, sizeof error), WH_E_IO);
    assert_non_null(strstr(error, "after frame 0: truncated"));
    capture_reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_come_back_with_checksums_completed, setup, teardown),
        cmocka_unit_test_setup_teardown(tshark_reads_it_without_a_warning, setup, teardown),
        cmocka_unit_test_setup_teardown(extremes_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_whole_frames, setup, teardown),
        cmocka_unit_test_setup_teardown(frames_reach_the_file_in_time, setup, teardown),
        cmocka_unit_test(files_that_cannot_be_made_are_told),
        cmocka_unit_test_setup_teardown(link_headers_are_stepped_over, setup, teardown),
        cmocka_unit_test_setup_teardown(files_that_cannot_be_read_are_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
