/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The gnuplot scripts, put into the program by the assembler, so that it
 * draws wherever it is copied to.  The compiler runs at the top of the tree.
 */
#include "plots/scripts.h"

#include <stddef.h>

#define SCRIPT(name)                                                           \
	extern const char plot_script_##name[];                                \
	__asm__(".section .rodata\n"                                           \
	        ".global plot_script_" #name "\n"                              \
	        "plot_script_" #name ":\n"                                     \
	        ".incbin \"plots/" #name ".gp\"\n"                             \
	        ".byte 0\n"                                                    \
	        ".previous\n")

SCRIPT(style);
SCRIPT(execution);
SCRIPT(hosts);
SCRIPT(instants);
SCRIPT(overhead);
SCRIPT(placement);
SCRIPT(rounds);
SCRIPT(usage);

const struct plot_script plot_scripts[] = {
    {"style", plot_script_style},
    {"execution", plot_script_execution},
    {"hosts", plot_script_hosts},
    {"instants", plot_script_instants},
    {"overhead", plot_script_overhead},
    {"placement", plot_script_placement},
    {"rounds", plot_script_rounds},
    {"usage", plot_script_usage},
    {NULL, NULL},
};
