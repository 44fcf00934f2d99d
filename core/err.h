/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors that come from outside: bad input, a refusing world.
 *
 * A function that can fail returns bool and takes a struct err as its last
 * parameter; when it returns false it has filled it, once, with a sentence
 * that names what was wrong, where, and what would be right.  A bug is an
 * assert, never an err.  Only a main prints an err and ends the program.
 */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum { ERR_TEXT_MAX = 512 };

struct err {
	char text[ERR_TEXT_MAX]; /* always terminated; "" means none */
};

/* Fills *err (cut at ERR_TEXT_MAX) and returns false, so that a failing
 * function ends in `return err_set(err, ...)`.  err may be NULL. */
bool err_set(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " in front of the text that is there; returns false. */
bool err_prefix(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
