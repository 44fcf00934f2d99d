/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SHA-256 of the core object that this program links, without its debug
 * information, as 64 hexadecimal digits; defined by the Makefile.  Every
 * result and record names it: the same digest is the same policy code.
 */
#ifndef SIM_DIGEST_H
#define SIM_DIGEST_H

extern const char core_digest[];

#endif
