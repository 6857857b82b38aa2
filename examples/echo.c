/* SPDX-License-Identifier: MIT */
/* An echo server on port 7 of 10.9.9.2, behind a TUN device: all that an embedder has to write. */
#include <stdio.h>

#include <wavehand/link.h>
#include <wavehand/wavehand.h>

static void serve(wh_stack *host, void *listener)
{
    wh_event events[64];
    size_t n = wh_events(host, events, 64);
    for (size_t i = 0; i < n; i++) {
        wh_conn *conn = events[i].conn;
        if (events[i].ready & WH_ACCEPTABLE) {
            (void)wh_accept(listener, NULL, &conn);
        } else if (events[i].ready & WH_READABLE) {
            char data[16384];
            int64_t got = wh_recv(conn, data, sizeof data);
            if (got > 0) {
                (void)wh_send(conn, data, (size_t)got, 0); /* a real server minds a full send buffer */
            }
        } else if (events[i].ready & (WH_EOF | WH_DEAD)) {
            wh_close(conn); /* the wave: FIN, and the rest happens in the background */
        }
    }
}

int main(void)
{
    char error[200];
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
    wh_seed(config.seed, 0);
    config.mtu = device.mtu;
    config.link_features = wh_tun_features(tun);
    wh_stack *host;
    wh_listener *listener;
    wh_listen_options port;
    wh_listen_options_init(&port);
    port.local.port = 7;
    wh_addr address = wh_ipv4(10, 9, 9, 2);
    if (wh_stack_new(&host, &config, wh_clock()) < 0 || wh_address_add(host, &address, 24) < 0 ||
        wh_listen(host, &port, &listener) < 0) {
        fprintf(stderr, "echo: no memory\n");
        return 1;
    }
    printf("ip addr add 10.9.9.1/24 dev %s; ip link set %s up; nc 10.9.9.2 7\n", wh_tun_name(tun),
           wh_tun_name(tun));
    volatile int stop = 0;
    return wh_tun_loop(tun, host, serve, listener, &stop) < 0;
}
