/* SPDX-License-Identifier: MIT */
/*
 * Where frames come from and go to, for hosted systems: memory, time and
 * randomness from the operating system, TUN devices, simulated paths between
 * stacks, and capture files. The stack itself (wavehand.h) needs none of this.
 */
#ifndef WAVEHAND_LINK_H
#define WAVEHAND_LINK_H

#include <wavehand/wavehand.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------- from the system -- */

/* malloc and free as memory hooks. */
WH_API wh_memory wh_memory_malloc(void);
/* 32 bytes from the system's randomness, or derived from `number` if that is not 0 (for replays). */
WH_API void wh_seed(uint8_t seed[32], uint64_t number);
/* CLOCK_MONOTONIC. */
WH_API wh_time wh_clock(void);

/* ----------------------------------------------------------- TUN devices -- */

typedef struct wh_tun wh_tun;

typedef struct wh_tun_options {
    size_t size;
    const char *name; /* NULL: the kernel chooses */
    int fd;           /* an open and attached TUN descriptor, which wh_tun then owns, or -1 to open
                          /dev/net/tun, which creates the device in this network namespace */
    uint32_t mtu;     /* bytes; default 65520. Set on a device opened here, not on an adopted one */
    bool offload;     /* virtio-net header with checksum and segmentation offload; default true */
    /* Open one queue of a device with several (IFF_MULTI_QUEUE): each call with the same name adds
     * one, and the kernel spreads flows over them by hash. A queue may be served by a thread and a
     * stack of its own. Default false. */
    bool multi_queue;
} wh_tun_options;

WH_API void wh_tun_options_init(wh_tun_options *options);
/*
 * Opens (or adopts) a TUN device, non-blocking. On failure returns a wh_error and
 * writes what happened and what to do to error[error_size]; an adopted descriptor
 * then stays the caller's. Where the kernel lacks offloads, wh_tun_note tells what
 * was given up. Addresses, routes and "up" are the caller's to set.
 */
WH_API int wh_tun_open(wh_tun **tun, const wh_tun_options *options, char *error, size_t error_size);
WH_API void wh_tun_close(wh_tun *tun);
WH_API int wh_tun_fd(const wh_tun *tun);
WH_API const char *wh_tun_name(const wh_tun *tun);
/* WH_TX_...: what wh_config.link_features may be. */
WH_API uint32_t wh_tun_features(const wh_tun *tun);
/* NULL, or one line on what the kernel lacks. */
WH_API const char *wh_tun_note(const wh_tun *tun);
/*
 * Reads up to cap frames, ready for wh_input: large ones into buffers of the
 * stack's (wh_buffer), small ones, and all when the stack has no buffer to give or
 * host is NULL, into memory of the device's own that is valid until the next call.
 * Super-datagrams (USO) come cut into datagrams. Returns how many (0: none waits),
 * or WH_E_IO.
 */
WH_API int wh_tun_read(wh_tun *tun, wh_stack *host, wh_frame *frames, size_t cap);
/*
 * Writes frames; returns how many were taken (fewer when the device is full), or
 * WH_E_IO. Frames that the kernel refuses, and all while the device is down, are
 * lost, as on a wire.
 */
WH_API int wh_tun_write(wh_tun *tun, const wh_frame *frames, size_t n);
/*
 * The usual loop for a stack on a TUN device: moves frames and runs timers until
 * `stop` becomes nonzero; after each round calls `serve`, which should drain
 * wh_events. Returns 0 or WH_E_IO. Embedders with a loop of their own use the
 * calls above instead.
 */
WH_API int wh_tun_loop(wh_tun *tun, wh_stack *host, void (*serve)(wh_stack *host, void *context),
                       void *context, volatile int *stop);

/* ------------------------------------------------------- simulated paths -- */

/* A duplex path that carries frames between two sides, and what goes wrong on it. */
typedef struct wh_path wh_path;

/* Direction of travel: A is the side of the program (client), B the far side (server). */
typedef enum wh_direction { WH_A_TO_B, WH_B_TO_A } wh_direction;

typedef struct wh_path_options {
    size_t size;
    wh_link_kind link;
    uint32_t mtu; /* super-segments are split to this before faults act; bytes of IP packet */
    uint8_t seed[32];
    size_t queue_limit; /* with a rate: bytes queued each way, then the tail drops; default 1 MiB */
    uint32_t notes;     /* capacity of the list of notes; default 0 */
} wh_path_options;

WH_API void wh_path_options_init(wh_path_options *options);
WH_API int wh_path_new(wh_path **path, const wh_path_options *options);
WH_API void wh_path_free(wh_path *path);
/*
 * Adds one fault rule, in the grammar of wavehand-run(1): "loss 5%",
 * "drop syn-ack 1 from port 80". On a spec it cannot read returns WH_E_INVAL and
 * writes to error[error_size] the position and the words it expected.
 */
WH_API int wh_path_fault(wh_path *path, const char *spec, char *error, size_t error_size);
/* True if any rule was added. */
WH_API bool wh_path_faulty(const wh_path *path);
/* Puts frames on the path at one side (copies them; splits, completes checksums, applies faults). */
WH_API void wh_path_send(wh_path *path, wh_direction direction, const wh_frame *frames, size_t n,
                         wh_time now);
/*
 * Takes up to cap frames that have arrived by `now`. They lie in slice[0], with
 * complete checksums, and stay valid until the next call for this direction.
 */
WH_API size_t wh_path_receive(wh_path *path, wh_direction direction, wh_frame *frames, size_t cap,
                              wh_time now);
/* When the next frame arrives in either direction, or WH_NEVER. */
WH_API wh_time wh_path_wake(const wh_path *path);
/* Frames now under way. */
WH_API size_t wh_path_under_way(const wh_path *path);

/* One direction's sums, in frames of at most the MTU. */
typedef struct wh_path_stats {
    size_t size;
    uint64_t frames, bytes; /* put on the path, lost ones included */
    uint64_t lost;          /* by rules that drop, chance or not */
    uint64_t overflows;     /* lost because a bottleneck's queue was full */
    uint64_t held_back;     /* to be overtaken */
    wh_time waited;         /* in queues of bottlenecks, all frames together */
    wh_time waited_most;    /* by one frame in one queue */
} wh_path_stats;

/* stats->size must be set to sizeof(wh_path_stats); that many bytes are filled at most. */
WH_API void wh_path_stats_get(const wh_path *path, wh_direction direction, wh_path_stats *stats);

/* What a rule did to a frame. */
typedef struct wh_path_note {
    wh_time time;
    wh_direction direction;
    wh_reason reason; /* WH_WHY_FAULT_... */
    uint32_t seq;     /* of the TCP segment, if it is one */
    uint16_t flags;   /* WH_SYN ... */
    uint32_t length;
    wh_endpoint source, destination;
} wh_path_note;

WH_API size_t wh_path_notes(wh_path *path, wh_path_note *notes, size_t cap);

/* Two stacks (or more) and the paths between them, in virtual time. */
typedef struct wh_sim wh_sim;

WH_API int wh_sim_new(wh_sim **sim, wh_time start);
WH_API void wh_sim_free(wh_sim *sim); /* frees paths; stacks stay the caller's */
WH_API wh_time wh_sim_now(const wh_sim *sim);
/* Joins a (side A) and b (side B) by a path, which the simulation then owns. A stack has one path. */
WH_API int wh_sim_join(wh_sim *sim, wh_stack *a, wh_stack *b, wh_path *path);
/*
 * Moves frames and timers at the current instant until nothing more happens at
 * it, then returns the time of the next thing due (WH_NEVER: nothing at all).
 * The application acts between calls.
 */
WH_API wh_time wh_sim_settle(wh_sim *sim);
/* Lets time pass to `when`, never backwards. */
WH_API void wh_sim_advance(wh_sim *sim, wh_time when);

/* --------------------------------------------------------- capture files -- */

/* A pcapng file being written. */
typedef struct wh_capture wh_capture;

/* Creates the file ("-": standard output). On failure writes a line for people to error. */
WH_API int wh_capture_open(wh_capture **capture, const char *file, wh_link_kind link, char *error,
                           size_t error_size);
/*
 * Adds one frame, its checksums completed, with an optional comment. `when` is
 * nanoseconds since 1970. Super-segments are written whole. WH_E_IO when the file
 * cannot grow, errno saying why: it is cut back to the last whole frame, and
 * every later call answers the same. WH_E_MSGSIZE for a frame no IP packet can fill.
 */
WH_API int wh_capture_write(wh_capture *capture, uint64_t when, bool outgoing,
                            const wh_frame *frame, const char *comment);
/*
 * Frames gather in a buffer until it is full or they are a tenth of a second older
 * than the newest; this writes what is there. For programs that go quiet. Errors
 * as wh_capture_write.
 */
WH_API int wh_capture_flush(wh_capture *capture);
/* WH_E_IO if not everything given could be written. Frees it all the same; NULL is allowed. */
WH_API int wh_capture_close(wh_capture *capture);

#ifdef __cplusplus
}
#endif

#endif
