/* SPDX-License-Identifier: MIT */
/* An echo server on 10.9.9.2 port 7, behind a TUN device: all that an embedder has to write. */
#include <stdio.h>
#include <wavehand/link.h>

static void serve(wh_stack *host, void *listener)
{
    wh_event event[64];
    size_t n = wh_events(host, event, 64);
    for (size_t i = 0; i < n; i++) {
        wh_conn *conn = event[i].conn;
        wh_slice waiting;
        if (event[i].ready & WH_ACCEPTABLE) {
            (void)wh_accept(listener, NULL, &conn);
        } else if ((event[i].ready & WH_READABLE) && wh_peek(conn, &waiting, 1) > 0) {
            int64_t sent = wh_send(conn, waiting.base, waiting.length, 0);
            (void)wh_consume(conn, sent > 0 ? (size_t)sent : 0); /* the rest another time */
        } else {
            wh_close(conn); /* the wave: our FIN; the rest happens by itself */
        }
    }
}

int main(void)
{
    char error[200];
    volatile int stop = 0;
    wh_addr address = wh_ipv4(10, 9, 9, 2);
    wh_stack *host;
    wh_tun *tun;
    wh_tun_options device;
    wh_tun_options_init(&device);
    if (wh_tun_open(&tun, &device, error, sizeof error) < 0) {
        fprintf(stderr, "echo: %s\n", error);
        return 1;
    }
    wh_config config;
    wh_config_init(&config);
    config.memory = wh_memory_malloc();
    config.mtu = device.mtu;
    config.link_features = wh_tun_features(tun);
    wh_seed(config.seed, 0);
    wh_listen_options port;
    wh_listen_options_init(&port);
    port.local.port = 7;
    wh_listener *listener;
    if (wh_stack_new(&host, &config, wh_clock()) < 0 || wh_address_add(host, &address, 24) < 0 ||
        wh_listen(host, &port, &listener) < 0) {
        return 1;
    }
    const char *name = wh_tun_name(tun);
    printf("ip addr add 10.9.9.1/24 dev %s; ip link set %s up; nc -N 10.9.9.2 7\n", name, name);
    return wh_tun_loop(tun, host, serve, listener, &stop) < 0;
}
