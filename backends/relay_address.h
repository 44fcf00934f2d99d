/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses and sockets of relays (relay.c): numeric, so that nothing waits
 * for a name. */
#ifndef BACKENDS_RELAY_ADDRESS_H
#define BACKENDS_RELAY_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT = 46 }; /* an address and its zero */

/* "192.0.2.1" or "2001:db8::1" */
bool address_parse(const char *host, uint16_t port,
    struct sockaddr_storage *out, socklen_t *len);
/* "192.0.2.1:7480" or "[2001:db8::1]:7480" */
bool address_parse_endpoint(
    const char *text, struct sockaddr_storage *out, socklen_t *len);
/* Its port, in network order, to be read or set. */
uint16_t *address_port(struct sockaddr_storage *address);
/* A TCP socket for it that does not block; -1 if there is none to be had. */
int address_socket(const struct sockaddr_storage *address);

/* Where the other end of a connection is; "" if that is not known. */
void address_of_peer(int fd, char text[static ADDRESS_TEXT]);

#endif
