/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random moves among three hosts and twenty environments, while the control
 * messages of both sides are delayed, lost, repeated and reordered, and the
 * daemons are killed and restarted; VMs talk, lie and are silent meanwhile.
 *
 *   moves PREFIX FOLDER TUNNELD N_MOVES KILL SEED
 *
 * Is the manager: tells each host each location by CURVE, until the host has
 * said that it heard.  At the end everything has to be exactly right: see the
 * claims in main.  Prints a line for each and "N passed, N failed, ...".
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends/location_message.h"
#include "tests/netns/world.h"

#define MS INT64_C(1000000)

enum {
	MESSAGES_MAX = 1 << 16,
	HOST_PORT = 7471,
	LOSS_PERCENT = 20,
	REPEAT_PERCENT = 20,
	DELAY_MS = 120,
	LIFETIME_S = 180, /* whatever goes wrong */
};

/* A message under way to a host. */
struct message {
	int64_t due_ns;
	unsigned host;
	struct location record;
};

/* A move goes prepare, plug, switch, settle; a phase each time it is due. */
enum phase { AT_REST, PREPARED, SWITCHED };

struct vm_move {
	enum phase phase;
	int64_t due_ns;
	unsigned target;
};

struct manager {
	struct world world;
	struct location_table truth;
	struct curve_key key;
	struct curve_clients *clients;
	struct curve_client *hosts[N_HOSTS];
	struct message *messages;
	unsigned n_messages;
	/* The number of the last record told and heard, by host and VM. */
	uint64_t heard[N_HOSTS][N_VMS];
	int64_t again_ns[N_HOSTS][N_VMS];
	struct vm_move moves[N_VMS];
	unsigned n_moves, n_told, n_lost, n_kills;
	int64_t restart_ns[N_HOSTS], kill_ns, talk_ns, still_ns;
	bool kill;
};

static struct manager m;
static uint64_t random_state;

/* xorshift64*: the same moves for the same seed. */
static unsigned draw(unsigned n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (unsigned)((random_state * 0x2545f4914f6cdd1du >> 33) % n);
}

static bool percent(unsigned p)
{
	return draw(100) < p;
}

/* Telling. */

static void post(unsigned host, const struct location *record)
{
	int64_t delay = (int64_t)draw(DELAY_MS) * MS;

	if (percent(5))
		delay *= 4;
	m.n_told++;
	if (percent(LOSS_PERCENT)) {
		m.n_lost++;
		return;
	}
	if (m.n_messages < MESSAGES_MAX)
		m.messages[m.n_messages++] =
		    (struct message){world_now_ns() + delay, host, *record};
}

static void tell_host(unsigned host, unsigned vm)
{
	const struct location *record = location_find(&m.truth, world_mac(vm));

	post(host, record);
	if (percent(REPEAT_PERCENT))
		post(host, record);
	m.again_ns[host][vm] = world_now_ns() + 300 * MS;
}

static void tell(unsigned vm, const struct location *record)
{
	if (location_apply(&m.truth, record) != LOCATION_NEWER)
		world_die("the truth went backwards");
	for (unsigned host = 0; host < N_HOSTS; host++)
		tell_host(host, vm);
}

static void send_message(const struct message *message)
{
	static struct location_message tells;
	static char bytes[LOCATION_MESSAGE_MAX];
	size_t len;

	tells = (struct location_message){
	    .type = LOCATION_TELL,
	    .request = message->record.sequence,
	    .instance = 1,
	    .change = message->record.mac.byte[5],
	    .n_records = 1,
	    .records = {message->record},
	};
	if (location_message_encode(&tells, bytes, sizeof bytes, &len))
		curve_client_send(m.hosts[message->host], bytes, len);
}

static void deliver(int64_t now)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < m.n_messages; i++)
		if (m.messages[i].due_ns <= now)
			send_message(&m.messages[i]);
		else
			m.messages[kept++] = m.messages[i];
	m.n_messages = kept;
}

/* Of the answers, too, some are lost. */
static void hear(void)
{
	static struct location_message heard;
	static char bytes[LOCATION_MESSAGE_MAX];
	size_t len;

	for (unsigned host = 0; host < N_HOSTS; host++)
		while (curve_client_receive(
		    m.hosts[host], bytes, sizeof bytes, &len)) {
			if (percent(LOSS_PERCENT) ||
			    !location_message_decode(&heard, bytes, len) ||
			    heard.change >= N_VMS)
				continue;
			if (heard.request > m.heard[host][heard.change])
				m.heard[host][heard.change] = heard.request;
		}
}

static bool all_heard(int64_t now)
{
	bool all = true;

	for (unsigned host = 0; host < N_HOSTS; host++)
		for (unsigned vm = 0; vm < N_VMS; vm++) {
			const struct location *truth =
			    location_find(&m.truth, world_mac(vm));

			if (m.heard[host][vm] >= truth->sequence)
				continue;
			all = false;
			if (now >= m.again_ns[host][vm])
				tell_host(host, vm);
		}
	return all;
}

/* Moving. */

static void begin_move(unsigned vm, int64_t now)
{
	const struct location *at = location_find(&m.truth, world_mac(vm));
	struct vm_move *move = &m.moves[vm];
	struct location next;

	move->target =
	    (m.world.port_host[vm] + 1 + draw(N_HOSTS - 1)) % N_HOSTS;
	next = location_prepare(at, 1, world_host_names[move->target]);
	tell(vm, &next);
	move->phase = PREPARED;
	move->due_ns = now + (int64_t)draw(60) * MS;
	m.n_moves++;
}

/* The port moves at the commit point, just before or just after it is told. */
static void go_on(unsigned vm, int64_t now)
{
	const struct location *at = location_find(&m.truth, world_mac(vm));
	struct vm_move *move = &m.moves[vm];
	struct location next;

	if (move->phase == PREPARED) {
		bool early = percent(50);

		next = location_switch(at, 1);
		if (early)
			world_plug(&m.world, vm, move->target);
		tell(vm, &next);
		if (!early)
			world_plug(&m.world, vm, move->target);
		move->phase = SWITCHED;
		move->due_ns = now + (int64_t)draw(60) * MS;
	} else {
		next = location_settle(at, 1);
		tell(vm, &next);
		move->phase = AT_REST;
	}
}

static bool run_moves(unsigned wanted, int64_t now)
{
	bool any = false;

	for (unsigned vm = STILL_VMS; vm < N_VMS; vm++) {
		if (m.moves[vm].phase == AT_REST)
			continue;
		any = true;
		if (now >= m.moves[vm].due_ns)
			go_on(vm, now);
	}
	if (m.n_moves < wanted) {
		unsigned vm = STILL_VMS + draw(N_VMS - STILL_VMS);

		if (m.moves[vm].phase == AT_REST)
			begin_move(vm, now);
		return true;
	}
	return any;
}

static void run_daemons(int64_t now)
{
	for (unsigned host = 0; host < N_HOSTS; host++)
		if (!m.world.daemons[host] && now >= m.restart_ns[host])
			world_start_daemon(&m.world, host);
	if (m.kill && now >= m.kill_ns) {
		unsigned host = draw(N_HOSTS);

		m.n_kills += m.world.daemons[host] != 0;
		world_kill_daemon(&m.world, host);
		m.restart_ns[host] = now + (int64_t)draw(300) * MS;
		m.kill_ns = now + (int64_t)(100 + draw(800)) * MS;
	}
}

/* Talking. */

/* The still ones all the time; of the others, one or two a millisecond, of
 * which the first VM of each environment never says anything. */
static void talk(int64_t now)
{
	if (now >= m.still_ns) {
		for (unsigned vm = 0; vm < STILL_VMS; vm++)
			world_send(
			    &m.world, vm, (vm + 1) % STILL_VMS, true, HONEST);
		m.still_ns = now + 4 * MS;
	}
	if (now >= m.talk_ns) {
		unsigned from = STILL_VMS + draw(N_VMS - STILL_VMS);
		unsigned env = world_environment(from);

		if (from % VMS_EACH != 0)
			world_send(&m.world, from,
			    percent(10) ? N_VMS
			                : env * VMS_EACH + draw(VMS_EACH),
			    false, draw(N_LIES));
		m.talk_ns = now + MS;
	}
	world_receive(&m.world);
}

static void pass_time(unsigned ms)
{
	int64_t end = world_now_ns() + ms * MS;
	struct timespec step = {.tv_nsec = MS / 2};

	do {
		int64_t now = world_now_ns();

		talk(now);
		deliver(now);
		hear();
		nanosleep(&step, NULL);
	} while (world_now_ns() < end);
}

/* What has to be. */

static unsigned n_passed, n_failed;

static void claim(bool holds, const char *what)
{
	printf("%s %s\n", holds ? "ok  " : "FAIL", what);
	*(holds ? &n_passed : &n_failed) += 1;
}

/* Every VM speaks to every other of its environment, and to all at once:
 * each frame arrives exactly once. */
static bool reaches_all(void)
{
	bool right = true;

	memset(m.world.unicast, 0, sizeof m.world.unicast);
	memset(m.world.broadcast, 0, sizeof m.world.broadcast);
	for (unsigned vm = 0; vm < N_VMS; vm++) {
		unsigned first = vm - vm % VMS_EACH;

		for (unsigned to = first; to < first + VMS_EACH; to++)
			if (to != vm)
				world_send(&m.world, vm, to, false, HONEST);
		world_send(&m.world, vm, N_VMS, false, HONEST);
		pass_time(2);
	}
	pass_time(200);
	for (unsigned i = 0; i < N_VMS; i++)
		for (unsigned k = 0; k < N_VMS; k++) {
			unsigned once = i != k && world_environment(i) ==
			                              world_environment(k);

			right &= m.world.unicast[i][k] == once &&
			         m.world.broadcast[i][k] == once;
		}
	return right;
}

/* The run. */

static void load_truth(void)
{
	for (unsigned vm = 0; vm < N_VMS; vm++) {
		unsigned env = world_environment(vm);
		struct location record = {
		    .mac = world_mac(vm),
		    .vni = VNI_BASE + env,
		    .ip = 192u << 24 | 168u << 16 | env << 8 |
		          (vm % VMS_EACH + 1),
		    .epoch = 1,
		    .sequence = 1,
		};

		strcpy(record.host, world_host_names[vm % N_HOSTS]);
		tell(vm, &record);
	}
}

static void connect_hosts(void)
{
	char path[256], endpoint[64];
	struct curve_key host_key;
	struct err err;

	snprintf(path, sizeof path, "%s/manager/control.key", m.world.folder);
	if (!curve_key_load(&m.key, path, &err))
		world_die(err.text);
	/* ZeroMQ's threads live in the namespace in which they are made. */
	world_enter(m.world.router);
	m.clients = curve_clients_new(&m.key);
	for (unsigned host = 0; host < N_HOSTS; host++) {
		snprintf(path, sizeof path, "%s/%s/control.key", m.world.folder,
		    world_host_names[host]);
		snprintf(endpoint, sizeof endpoint, "tcp://10.9.%u.1:%d",
		    host + 1, HOST_PORT);
		if (!curve_key_load(&host_key, path, &err))
			world_die(err.text);
		m.hosts[host] = curve_client_new(
		    m.clients, &host_key.public, endpoint, &err);
		if (!m.hosts[host])
			world_die(err.text);
	}
	world_enter(m.world.own_namespace);
}

/* Until all is heard, or too long. */
static bool come_to_rest(unsigned seconds)
{
	int64_t end = world_now_ns() + seconds * 1000 * MS;

	while (world_now_ns() < end) {
		run_daemons(world_now_ns());
		pass_time(5);
		if (all_heard(world_now_ns()) && !m.n_messages)
			return true;
	}
	return false;
}

static void move_all(unsigned wanted)
{
	int64_t now = world_now_ns();

	m.kill_ns = now;
	while (run_moves(wanted, now)) {
		run_daemons(now);
		all_heard(now);
		pass_time(2);
		now = world_now_ns();
	}
	m.kill = false;
}

static void report(double seconds)
{
	printf("     %u moves in %.1f s, %u messages of which %u lost, "
	       "%u daemons killed\n",
	    m.n_moves, seconds, m.n_told, m.n_lost, m.n_kills);
	printf("     still VMs: %llu frames sent, %llu arrived, %llu twice; "
	       "%llu frames seen in all\n",
	    (unsigned long long)m.world.still_sent,
	    (unsigned long long)m.world.still_received,
	    (unsigned long long)m.world.still_twice,
	    (unsigned long long)m.world.n_received);
}

int main(int argc, char **argv)
{
	int64_t start;

	if (argc != 7) {
		fputs("usage: moves PREFIX FOLDER TUNNELD N_MOVES KILL SEED\n",
		    stderr);
		return 2;
	}
	m.world.prefix = argv[1];
	m.world.folder = argv[2];
	m.world.program = argv[3];
	random_state = strtoull(argv[6], NULL, 10) * 2 + 1;
	m.messages = calloc(MESSAGES_MAX, sizeof *m.messages);
	if (!m.messages)
		world_die("memory");
	printf("     seed %s\n", argv[6]);
	alarm(LIFETIME_S);
	world_open(&m.world);
	connect_hosts();
	load_truth();
	m.still_ns = INT64_MAX;
	claim(come_to_rest(20) && truth_holds(&m.world),
	    "daemons that start with nothing are told all, and follow");
	m.still_ns = 0;
	m.kill = atoi(argv[5]);
	start = world_now_ns();
	move_all((unsigned)atoi(argv[4]));
	claim(come_to_rest(20), "every host has heard of every move");
	pass_time(300);
	report((double)(world_now_ns() - start) / 1e9);
	m.still_ns = m.talk_ns = INT64_MAX; /* they say no more */
	pass_time(300);
	claim(truth_holds(&m.world), "every forwarding table is exactly right");
	claim(reaches_all(), "every VM reaches all of its environment, once");
	claim(!m.world.n_crossed,
	    "no frame crossed environments, nor passed with a false source");
	claim(m.world.still_sent > 0 &&
	          m.world.still_received == m.world.still_sent &&
	          !m.world.still_twice,
	    "VMs that did not move lost nothing");
	world_close(&m.world);
	printf("%u passed, %u failed, 0 skipped\n", n_passed, n_failed);
	return n_failed > 0;
}
