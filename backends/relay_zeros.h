/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zeros left out of a migration's stream: much of a guest's memory was never
 * written to, and libxl sends it all.  Packed, bytes are any number of
 *
 *	a count (u32, little-endian), and so many bytes as they are
 *	a count (u32, little-endian) of zeros that follow them
 *
 * Only zeros are left out: what is compressed further tells more, by its
 * length, of what is in it to who sees the encrypted stream.
 */
#ifndef BACKENDS_RELAY_ZEROS_H
#define BACKENDS_RELAY_ZEROS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ZEROS_OVERHEAD = 8 }; /* the most that packing adds */

/* Into packed[n + ZEROS_OVERHEAD]; returns the length. */
size_t zeros_pack(const uint8_t *bytes, size_t n, uint8_t *packed);

/* Into bytes[cap]; false if it is not packed bytes, or more than cap. */
bool zeros_unpack(const uint8_t *packed, size_t n, uint8_t *bytes, size_t cap,
    size_t *len);

#endif
