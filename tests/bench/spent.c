/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a command, its output discarded, and prints what it took:
 * "cpu_s SECONDS mib MEBIBYTES".
 *
 *	spent COMMAND [ARGUMENT]...
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

static void run(char **argv)
{
	int null = open("/dev/null", O_WRONLY);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	pid_t pid;

	if (argc < 2) {
		fputs("usage: spent COMMAND [ARGUMENT]...\n", stderr);
		return 2;
	}
	pid = fork();
	if (pid < 0)
		return 1;
	if (pid == 0)
		run(argv + 1);
	if (wait4(pid, &status, 0, &usage) != pid || status != 0)
		return 1;
	printf("cpu_s %.3f mib %ld\n",
	    seconds(usage.ru_utime) + seconds(usage.ru_stime),
	    usage.ru_maxrss / 1024);
	return 0;
}
