/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The subcommands of `violin`, one file each.  argv[0] is the subcommand's
 * own name; the result is the exit status (sim/opts.h).
 */
#ifndef SIM_CMD_H
#define SIM_CMD_H

int cmd_run(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_plot(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_policies(int argc, char **argv);

/* of a running manager */
int cmd_status(int argc, char **argv);
int cmd_create(int argc, char **argv);
int cmd_destroy(int argc, char **argv);
int cmd_drain(int argc, char **argv);
int cmd_undrain(int argc, char **argv);
int cmd_pause(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_resolve(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_keygen(int argc, char **argv);

#endif
