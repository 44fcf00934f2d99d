/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A parallel program for guests: Jacobi relaxation of a grid, by ranks that
 * each hold a block of its rows, one rank a VM.  It is bulk-synchronous: an
 * iteration relaxes the block SWEEPS times, exchanges rows with the ranks
 * beside it and finds the residual of all; no rank begins the next before.
 *
 *	relax ROWS COLUMNS ITERATIONS [RANK ADDRESS...]
 *
 * Without a RANK one process does it all.  Else there is an ADDRESS for each
 * rank, HOST[:PORT], in order, and RANK says which is this one's.  A rank
 * connects to the one before it and waits a minute for the one after it; from
 * then on it relies on TCP alone.  Each prints, when all is done,
 *
 *	rank=0 ranks=2 iterations=100 ms=8012 median_ms=79 slowest_ms=95
 *	first_ms=80 last_ms=78 residual=... sum=...
 *
 * on one line: the time of all iterations, of the one in the middle, of the
 * longest, and of one in the first tenth and in the last tenth.
 *
 * The sum is over the bits of all values and where they are.  Each value is
 * computed alike whoever does it, and the residual is a maximum, so both are
 * bit for bit the same however many ranks there are: what one process says is
 * right for all.
 *
 * As many rows are exchanged as there are sweeps: what a neighbour would do
 * to the outer ones meanwhile is done here too.  So messages are few, as they
 * have to be where each costs an emulated machine milliseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	SWEEPS = 16,
	PORT = 7000,
	PATIENCE_S = 60,
	MAX_SIDE = 1 << 20,
};

/* The grid has an edge of zeros around it.  This is its rows from first on,
 * between SWEEPS more on either side: other ranks', or the edge and beyond. */
struct block {
	size_t grid_rows, columns, first, rows;
	double *now, *next;
};

/* The ranks before and after this one; -1: there is none. */
struct peers {
	int before, after;
};

static void die(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

static void die(const char *format, ...)
{
	va_list args;

	fputs("relax: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

/* Goes on while the guest is suspended. */
static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- the grid ------------------------------------------------------------ */

/* Row r of the grid, which may be up to SWEEPS rows outside the block. */
static double *row_of(const struct block *b, double *values, size_t r)
{
	return values + (r + SWEEPS - b->first) * (b->columns + 2) + 1;
}

static size_t lower(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The rows that sweep number n relaxes, from *from to before *to: of those
 * outside the block one less on either side each time. */
static void rows_of_sweep(
    const struct block *b, size_t n, size_t *from, size_t *to)
{
	size_t more = SWEEPS - 1 - n;

	*from = b->first - lower(b->first, more);
	*to = lower(b->first + b->rows + more, b->grid_rows);
}

/* Values in [0, 1) that depend on the place alone. */
static void block_fill(struct block *b)
{
	size_t from = b->first - lower(b->first, SWEEPS);
	size_t to = lower(b->first + b->rows + SWEEPS, b->grid_rows);

	for (size_t r = from; r < to; r++)
		for (size_t c = 0; c < b->columns; c++)
			row_of(b, b->now, r)[c] =
			    (double)(mix(r * b->columns + c) >> 11) * 0x1p-53;
}

static void block_init(struct block *b, size_t rank, size_t ranks)
{
	size_t size;

	b->first = b->grid_rows * rank / ranks;
	b->rows = b->grid_rows * (rank + 1) / ranks - b->first;
	size = (b->rows + 2 * SWEEPS) * (b->columns + 2);
	b->now = calloc(size, sizeof(double));
	b->next = calloc(size, sizeof(double));
	if (!b->now || !b->next)
		die("no memory for %zu rows of %zu", b->rows, b->columns);
	block_fill(b);
}

/* The largest change of a value. */
static double relax_row(const double *above, const double *here,
    const double *below, double *to, size_t columns)
{
	double most = 0;

	for (size_t c = 0; c < columns; c++) {
		double change;

		to[c] = 0.25 * ((above[c] + below[c]) +
		                   (here[c - 1] + here[c + 1]));
		change = fabs(to[c] - here[c]);
		if (change > most)
			most = change;
	}
	return most;
}

/* One iteration; the residual of its last sweep. */
static double block_relax(struct block *b)
{
	double residual = 0;

	for (size_t n = 0; n < SWEEPS; n++) {
		double *old = b->now;
		size_t from, to;

		rows_of_sweep(b, n, &from, &to);
		residual = 0;
		for (size_t r = from; r < to; r++)
			residual = fmax(residual,
			    relax_row(row_of(b, old, r - 1), row_of(b, old, r),
			        row_of(b, old, r + 1), row_of(b, b->next, r),
			        b->columns));
		b->now = b->next;
		b->next = old;
	}
	return residual;
}

static uint64_t block_sum(const struct block *b)
{
	uint64_t sum = 0, bits;

	for (size_t r = b->first; r < b->first + b->rows; r++)
		for (size_t c = 0; c < b->columns; c++) {
			memcpy(&bits, row_of(b, b->now, r) + c, sizeof(bits));
			sum += mix(bits ^ mix(r * b->columns + c));
		}
	return sum;
}

/* --- the other ranks ----------------------------------------------------- */

static struct sockaddr_in parse_address(const char *text)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(PORT)};
	char host[INET_ADDRSTRLEN] = "";
	size_t n = strcspn(text, ":");

	if (n < sizeof(host))
		memcpy(host, text, n);
	if (text[n])
		address.sin_port = htons((uint16_t)atoi(text + n + 1));
	if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
		die("%s: an address is like 192.0.2.1 or 192.0.2.1:7000", text);
	return address;
}

static int open_socket(void)
{
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		die("socket: %s", strerror(errno));
	return fd;
}

static int accept_from(struct sockaddr_in address)
{
	const struct timeval patience = {PATIENCE_S, 0}, forever = {0, 0};
	int fd = open_socket(), peer, on = 1;

	address.sin_addr.s_addr = htonl(INADDR_ANY);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 1) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	        sizeof(patience)) < 0)
		die("port %d: %s", ntohs(address.sin_port), strerror(errno));
	peer = accept(fd, NULL, NULL);
	if (peer < 0)
		die("the next rank has not come: %s", strerror(errno));
	/* It has inherited the patience, with which a guest that is suspended
	 * would end its waiting, interrupted (signal(7)). */
	if (setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &forever,
	        sizeof(forever)) < 0 ||
	    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		die("socket: %s", strerror(errno));
	close(fd);
	return peer;
}

static int connect_to(struct sockaddr_in address)
{
	const struct timespec pause = {0, 100000000};
	int64_t until_ms = now_ms() + PATIENCE_S * 1000;

	for (;;) {
		int fd = open_socket();

		if (connect(fd, (struct sockaddr *)&address,
		        sizeof(address)) == 0)
			return fd;
		if (now_ms() >= until_ms)
			die("the rank before: %s", strerror(errno));
		close(fd);
		nanosleep(&pause, NULL);
	}
}

static void send_all(int fd, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n > 0) {
		ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);

		if (sent < 0)
			die("to another rank: %s", strerror(errno));
		at += sent;
		n -= (size_t)sent;
	}
}

static void receive_all(int fd, void *bytes, size_t n)
{
	char *at = bytes;

	while (n > 0) {
		ssize_t got = recv(fd, at, n, MSG_WAITALL);

		if (got <= 0)
			die("from another rank: %s",
			    got < 0 ? strerror(errno) : "it has gone");
		at += got;
		n -= (size_t)got;
	}
}

/* Sends some rows and receives as many; of two ranks that do, one has to
 * listen first. */
static void swap_rows(const struct block *b, int fd, bool send_first,
    size_t mine, size_t theirs)
{
	size_t n = SWEEPS * (b->columns + 2) * sizeof(double);

	if (fd < 0)
		return;
	if (send_first)
		send_all(fd, row_of(b, b->now, mine) - 1, n);
	receive_all(fd, row_of(b, b->now, theirs) - 1, n);
	if (!send_first)
		send_all(fd, row_of(b, b->now, mine) - 1, n);
}

static void exchange(const struct block *b, struct peers peers, size_t rank)
{
	size_t end = b->first + b->rows;
	bool even = rank % 2 == 0;

	for (int turn = 0; turn < 2; turn++)
		if ((turn == 0) == even)
			swap_rows(b, peers.after, even, end - SWEEPS, end);
		else
			swap_rows(b, peers.before, even, b->first,
			    b->first - SWEEPS);
}

struct total {
	double residual;
	uint64_t sum;
};

/* Down to rank 0 and back: the same for all. */
static struct total reduce(struct peers peers, struct total mine)
{
	struct total theirs;

	if (peers.after >= 0) {
		receive_all(peers.after, &theirs, sizeof(theirs));
		mine.residual = fmax(mine.residual, theirs.residual);
		mine.sum += theirs.sum;
	}
	if (peers.before >= 0) {
		send_all(peers.before, &mine, sizeof(mine));
		receive_all(peers.before, &mine, sizeof(mine));
	}
	if (peers.after >= 0)
		send_all(peers.after, &mine, sizeof(mine));
	return mine;
}

static size_t number(int argc, char **argv, int i)
{
	return argc > i ? strtoul(argv[i], NULL, 10) : 0;
}

static int compare_ms(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* n iterations' times, which it sorts. */
static void print_times(int64_t *ms, size_t n)
{
	size_t tenth = (n + 9) / 10;
	int64_t first = 0, last = 0, all = 0;

	for (size_t i = 0; i < n; i++)
		all += ms[i];
	for (size_t i = 0; i < tenth; i++) {
		first += ms[i];
		last += ms[n - 1 - i];
	}
	qsort(ms, n, sizeof(*ms), compare_ms);
	printf("iterations=%zu ms=%" PRId64 " median_ms=%" PRId64
	       " slowest_ms=%" PRId64 " first_ms=%" PRId64 " last_ms=%" PRId64,
	    n, all, ms[n / 2], ms[n - 1], first / (int64_t)tenth,
	    last / (int64_t)tenth);
}

/* Iterates, and tells how long that took. */
static struct total run(
    struct block *b, struct peers peers, size_t rank, size_t iterations)
{
	int64_t *ms = calloc(iterations, sizeof(*ms)), last_ms;
	struct total all = {0, 0};

	if (!ms)
		die("no memory for %zu times", iterations);
	reduce(peers, all);
	last_ms = now_ms();
	for (size_t i = 0; i < iterations; i++) {
		int64_t began_ms = last_ms;

		all.residual = block_relax(b);
		exchange(b, peers, rank);
		all = reduce(peers, all);
		last_ms = now_ms();
		ms[i] = last_ms - began_ms;
	}
	print_times(ms, iterations);
	free(ms);
	all.sum = block_sum(b);
	return reduce(peers, all);
}

int main(int argc, char **argv)
{
	struct block block = {
	    .grid_rows = number(argc, argv, 1),
	    .columns = number(argc, argv, 2),
	};
	size_t iterations = number(argc, argv, 3);
	size_t rank = number(argc, argv, 4);
	size_t ranks = argc > 5 ? (size_t)argc - 5 : 1;
	struct peers peers = {-1, -1};
	struct total all;

	if (block.grid_rows < ranks * SWEEPS || block.grid_rows > MAX_SIDE ||
	    !block.columns || block.columns > MAX_SIDE || !iterations ||
	    rank >= ranks) {
		fprintf(stderr, "usage: relax ROWS COLUMNS ITERATIONS "
		                "[RANK ADDRESS...]\n");
		return 2;
	}
	block_init(&block, rank, ranks);
	if (rank > 0)
		peers.before = connect_to(parse_address(argv[4 + rank]));
	if (rank + 1 < ranks)
		peers.after = accept_from(parse_address(argv[5 + rank]));
	printf("rank=%zu ranks=%zu ", rank, ranks);
	all = run(&block, peers, rank, iterations);
	printf(
	    " residual=%a sum=%016" PRIx64 "\n", all.residual, all.sum);
	return 0;
}
