/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numeric addresses of relays, IPv4 and IPv6. */
#include "backends/relay_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "backends/message.h"

bool address_parse(const char *host, uint16_t port,
    struct sockaddr_storage *out, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*len = sizeof(*v4);
		return true;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	*len = sizeof(*v6);
	return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
}

bool address_parse_endpoint(
    const char *text, struct sockaddr_storage *out, socklen_t *len)
{
	char host[MESSAGE_ADDRESS_MAX];
	const char *colon = strrchr(text, ':');
	char *end;

	if (!colon || strlen(text) >= sizeof(host))
		return false;
	unsigned long port = strtoul(colon + 1, &end, 10);
	size_t n = (size_t)(colon - text);
	if (*end != '\0' || port == 0 || port > UINT16_MAX)
		return false;
	if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	memcpy(host, text, n);
	host[n] = '\0';
	return address_parse(host, (uint16_t)port, out, len);
}

uint16_t *address_port(struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET
	           ? &((struct sockaddr_in *)address)->sin_port
	           : &((struct sockaddr_in6 *)address)->sin6_port;
}

void address_of_peer(int fd, char text[static ADDRESS_TEXT])
{
	struct sockaddr_storage from = {0};
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&from;
	socklen_t len = sizeof(from);
	bool known = getpeername(fd, (struct sockaddr *)&from, &len) == 0;

	if (known && from.ss_family == AF_INET6)
		known = inet_ntop(AF_INET6, &v6->sin6_addr, text, ADDRESS_TEXT);
	else if (known)
		known = inet_ntop(AF_INET, &v4->sin_addr, text, ADDRESS_TEXT);
	if (!known)
		text[0] = '\0';
}

/* What a socket may hold and not have sent: what a guest wrote last waits
 * behind it, while the guest stands still. */
enum { UNSENT_MAX = 131072 };

int address_socket(const struct sockaddr_storage *address)
{
	int fd = socket(
	    address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, unsent = UNSENT_MAX;

	if (fd >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent,
		    sizeof(unsent));
	}
	return fd;
}
