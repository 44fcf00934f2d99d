/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * violin-tunnelctl: shows and changes the virtual network by hand, and is
 * what hot-plug scripts call; talks to the daemon of this host (control.h).
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "backends/tunnel/control.h"

enum {
	EXIT_USAGE = 2,
	ANSWER_TIMEOUT_S = 10,
	/* A phase of a move waits so long for the other hosts. */
	PHASE_WAIT_MS = 3000,
	PHASE_STEP_MS = 10,
};

static const char usage[] =
    "usage: violin-tunnelctl [--socket PATH] COMMAND\n"
    "  show [--json]\n"
    "  counters [--json | --prometheus]\n"
    "  attach PORT MAC        this interface is the port of that VM\n"
    "  detach PORT\n"
    "  move MAC HOST          prepare, switch and settle\n"
    "  prepare MAC HOST       the target becomes ready, and stays silent\n"
    "  switch MAC             its traffic goes to the target, everywhere\n"
    "  settle MAC             the source may clean up\n"
    "  place MAC HOST         at once, without phases\n"
    "  remove MAC             the VM is nowhere\n"
    "  reload                 the site file is read again\n";

struct ctl {
	int socket;
	struct err err;
	char bytes[CONTROL_MESSAGE_MAX];
	struct control_answer answer;
};

static bool dial(struct ctl *ctl, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = ANSWER_TIMEOUT_S};

	if (strlen(path) >= sizeof address.sun_path)
		return err_set(&ctl->err, "%s: the name is too long", path);
	strcpy(address.sun_path, path);
	ctl->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (ctl->socket < 0 ||
	    connect(ctl->socket, (const struct sockaddr *)&address,
	        sizeof address) < 0)
		return err_set(&ctl->err, "%s: %s (is violin-tunneld running?)",
		    path, strerror(errno));
	setsockopt(
	    ctl->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return true;
}

static bool ask(struct ctl *ctl, struct control_request *request)
{
	size_t len;
	ssize_t n;

	if (!control_encode_request(
	        request, ctl->bytes, sizeof ctl->bytes, &len))
		return err_set(&ctl->err, "the request is too long");
	if (send(ctl->socket, ctl->bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		return err_set(&ctl->err, "sending: %s", strerror(errno));
	n = recv(ctl->socket, ctl->bytes, sizeof ctl->bytes, 0);
	if (n < 0)
		return err_set(&ctl->err, "no answer: %s", strerror(errno));
	if (!control_decode_answer(&ctl->answer, ctl->bytes, (size_t)n))
		return err_set(&ctl->err, "the answer makes no sense");
	if (!ctl->answer.ok)
		return err_set(&ctl->err, "%.*s", (int)ctl->answer.text_len,
		    ctl->answer.text);
	return true;
}

/* Waits until all hosts have heard, so that each phase is over everywhere
 * before the next begins; those that are down hear later, and lose nothing
 * but this order. */
static bool ask_phase(struct ctl *ctl, struct control_request *request)
{
	static const struct timespec step = {
	    .tv_nsec = PHASE_STEP_MS * 1000000L};
	struct control_request show = {.type = CONTROL_SHOW};

	if (!ask(ctl, request))
		return false;
	for (int ms = 0; ctl->answer.behind && ms < PHASE_WAIT_MS;
	     ms += PHASE_STEP_MS) {
		nanosleep(&step, NULL);
		if (!ask(ctl, &show))
			return false;
	}
	if (ctl->answer.behind)
		fprintf(stderr,
		    "violin-tunnelctl: %u hosts have not heard of it yet\n",
		    ctl->answer.behind);
	return true;
}

static bool move(struct ctl *ctl, struct control_request *request)
{
	static const enum control_phase phases[] = {
	    PHASE_PREPARE, PHASE_SWITCH, PHASE_SETTLE};

	for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
		request->phase = phases[i];
		if (!ask_phase(ctl, request))
			return false;
	}
	return true;
}

/* The commands, and what words they take: m a MAC, p a port, h a host. */
static const struct command {
	const char *name, *words;
	struct control_request request;
	bool (*run)(struct ctl *ctl, struct control_request *request);
} commands[] = {
    {"show", "", {.type = CONTROL_SHOW, .what = SHOW_STATE}, NULL},
    {"counters", "", {.type = CONTROL_SHOW, .what = SHOW_COUNTERS}, NULL},
    {"attach", "pm", {.type = CONTROL_ATTACH}, NULL},
    {"detach", "p", {.type = CONTROL_DETACH}, NULL},
    {"move", "mh", {.type = CONTROL_MOVE}, move},
    {"prepare", "mh", {.type = CONTROL_MOVE, .phase = PHASE_PREPARE},
        ask_phase},
    {"switch", "m", {.type = CONTROL_MOVE, .phase = PHASE_SWITCH}, ask_phase},
    {"settle", "m", {.type = CONTROL_MOVE, .phase = PHASE_SETTLE}, ask_phase},
    {"place", "mh", {.type = CONTROL_MOVE, .phase = PHASE_PLACE}, ask_phase},
    {"remove", "m", {.type = CONTROL_MOVE, .phase = PHASE_PLACE}, ask_phase},
    {"reload", "", {.type = CONTROL_RELOAD}, NULL},
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static bool set_text(char *to, size_t cap, const char *word, struct err *err)
{
	if (strlen(word) >= cap)
		return err_set(err, "%s: the name is too long", word);
	strcpy(to, word);
	return true;
}

static bool parse_word(struct control_request *request, char kind,
    const char *word, struct err *err)
{
	switch (kind) {
	case 'p':
		return set_text(request->port, sizeof request->port, word, err);
	case 'h':
		return set_text(request->host, sizeof request->host, word, err);
	}
	return mac_parse(word, &request->mac) ||
	       err_set(err,
	           "\"%s\" is not a VM's MAC address such as "
	           "02:00:00:00:00:01",
	           word);
}

struct options {
	const char *socket;
	enum control_format format;
};

static bool parse_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
	    {"socket", required_argument, NULL, 's'},
	    {"json", no_argument, NULL, 'j'},
	    {"prometheus", no_argument, NULL, 'p'},
	    {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	int c;

	*o = (struct options){.socket = CONTROL_SOCKET};
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 's':
			o->socket = optarg;
			break;
		case 'j':
			o->format = FORMAT_JSON;
			break;
		case 'p':
			o->format = FORMAT_PROMETHEUS;
			break;
		case 'V':
			puts("violin-tunnelctl " VIOLIN_VERSION);
			exit(EXIT_SUCCESS);
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		default:
			return false;
		}
	}
	return optind < argc;
}

static int fail(const struct err *err, int status)
{
	fprintf(stderr, "violin-tunnelctl: %s\n", err->text);
	return status;
}

int main(int argc, char **argv)
{
	static struct ctl ctl;
	struct options o;
	const struct command *command;
	struct control_request request;

	if (!parse_options(argc, argv, &o) ||
	    !(command = find_command(argv[optind])) ||
	    (size_t)(argc - optind - 1) != strlen(command->words)) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	request = command->request;
	request.format = o.format;
	for (size_t i = 0; command->words[i]; i++)
		if (!parse_word(&request, command->words[i],
		        argv[optind + 1 + (int)i], &ctl.err))
			return fail(&ctl.err, EXIT_USAGE);
	if (!dial(&ctl, o.socket) ||
	    !(command->run ? command->run : ask)(&ctl, &request))
		return fail(&ctl.err, EXIT_FAILURE);
	if (request.type == CONTROL_SHOW)
		fwrite(ctl.answer.text, 1, ctl.answer.text_len, stdout);
	return EXIT_SUCCESS;
}
