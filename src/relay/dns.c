/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "relay/dns.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OUR_NAME_SERVER "nameserver 10.0.2.3\n"

void dns_read(const char *path, char *conf)
{
    conf[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    size_t length = 0;
    ssize_t n;
    while (length < DNS_CONF - 1 && (n = read(fd, conf + length, DNS_CONF - 1 - length)) > 0)
        length += (size_t)n;
    conf[length] = '\0';
    close(fd);
}

/* If the line begins with this keyword and white space, what follows; else NULL. */
static const char *argument_of(const char *line, const char *keyword)
{
    size_t length = strlen(keyword);
    if (strncmp(line, keyword, length) != 0 || (line[length] != ' ' && line[length] != '\t'))
        return NULL;
    return line + length + strspn(line + length, " \t");
}

/* Reads a numeric address, with a scope if it is link-local. */
static bool read_address(const char *text, size_t length, struct sockaddr_storage *address,
                         socklen_t *address_length)
{
    char host[80];
    if (length == 0 || length >= sizeof host)
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                    .ai_socktype = SOCK_DGRAM };
    struct addrinfo *found;
    if (getaddrinfo(host, "53", &hints, &found) != 0)
        return false;
    memcpy(address, found->ai_addr, found->ai_addrlen);
    *address_length = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

void dns_server_of(const char *text, struct sockaddr_storage *address, socklen_t *length)
{
    memset(address, 0, sizeof *address);
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *name = argument_of(line, "nameserver");
        if (name && read_address(name, strcspn(name, " \t\r\n"), address, length))
            return;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)address;
    in->sin_family = AF_INET;
    in->sin_port = htons(53);
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *length = sizeof *in;
}

void dns_server(struct sockaddr_storage *address, socklen_t *length)
{
    char conf[DNS_CONF];
    dns_read("/etc/resolv.conf", conf);
    dns_server_of(conf, address, length);
}

void dns_inside(const char *host_conf, char *conf)
{
    static const char *const kept[] = { "search", "domain", "options" };
    size_t used = strlen(OUR_NAME_SERVER);
    memcpy(conf, OUR_NAME_SERVER, used + 1);
    for (const char *line = host_conf; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t length = strcspn(line, "\n");
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
            if (argument_of(line, kept[i]) && used + length + 2 <= DNS_CONF) {
                memcpy(conf + used, line, length);
                used += length;
                conf[used++] = '\n';
                conf[used] = '\0';
            }
    }
}
