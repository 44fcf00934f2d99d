/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys of backends/curve.h: made, written, read.  A key file is
 *
 *	public BASE64
 *	secret BASE64
 *
 * and the public half alone, as people hand it on, is one line of base64.
 */
#include "backends/curve.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int variant = sodium_base64_VARIANT_ORIGINAL;

void curve_key_generate(struct curve_key *key)
{
	if (sodium_init() < 0)
		sodium_misuse();
	crypto_box_keypair(key->public.bytes, key->secret);
}

void curve_public_print(
    const struct curve_public *key, char text[static CURVE_KEY_TEXT])
{
	sodium_bin2base64(
	    text, CURVE_KEY_TEXT, key->bytes, CURVE_KEY_BYTES, variant);
}

static bool parse_key(uint8_t bytes[static CURVE_KEY_BYTES], const char *text)
{
	size_t len;

	return sodium_base642bin(bytes, CURVE_KEY_BYTES, text, strlen(text),
	           NULL, &len, NULL, variant) == 0 &&
	       len == CURVE_KEY_BYTES;
}

bool curve_public_parse(
    struct curve_public *key, const char *text, struct err *err)
{
	if (parse_key(key->bytes, text))
		return true;
	return err_set(err,
	    "\"%.60s\" is not a public key; one is 44 characters of base64, "
	    "as in the .pub file that violin keygen writes",
	    text);
}

bool curve_public_equal(
    const struct curve_public *a, const struct curve_public *b)
{
	return sodium_memcmp(a->bytes, b->bytes, CURVE_KEY_BYTES) == 0;
}

static bool save_text(
    const char *path, mode_t mode, const char *text, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	size_t len = strlen(text);

	if (fd < 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	bool ok = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
	if (close(fd) == 0 && ok)
		return true;
	unlink(path);
	return err_set(
	    err, "%s: cannot write the key: %s", path, strerror(errno));
}

bool curve_key_save(
    const struct curve_key *key, const char *path, struct err *err)
{
	char public[CURVE_KEY_TEXT], secret[CURVE_KEY_TEXT], text[128];
	char pub_path[4096];

	if (snprintf(pub_path, sizeof(pub_path), "%s.pub", path) >=
	    (int)sizeof(pub_path))
		return err_set(err, "%s: the name is too long", path);
	curve_public_print(&key->public, public);
	sodium_bin2base64(
	    secret, sizeof(secret), key->secret, CURVE_KEY_BYTES, variant);
	snprintf(text, sizeof(text), "public %s\nsecret %s\n", public, secret);
	bool ok = save_text(path, 0600, text, err);
	if (ok) {
		snprintf(text, sizeof(text), "%s\n", public);
		ok = save_text(pub_path, 0644, text, err);
		if (!ok)
			unlink(path);
	}
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(text, sizeof(text));
	return ok;
}

static bool check_mode(FILE *file, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fileno(file), &st) < 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	if ((st.st_mode & 077) != 0)
		return err_set(err,
		    "%s: others may read this secret key (mode %04o); "
		    "chmod 600 it",
		    path, (unsigned)(st.st_mode & 07777));
	return true;
}

static bool read_key(
    struct curve_key *key, FILE *file, const char *path, struct err *err)
{
	char public[64], secret[64];
	struct curve_public derived;

	if (fscanf(file, "public %63s secret %63s", public, secret) != 2 ||
	    !parse_key(key->public.bytes, public) ||
	    !parse_key(key->secret, secret))
		return err_set(err,
		    "%s:1: not a key; violin keygen writes one: two lines, "
		    "\"public\" and \"secret\", each with 44 characters of "
		    "base64",
		    path);
	sodium_memzero(secret, sizeof(secret));
	if (crypto_scalarmult_base(derived.bytes, key->secret) != 0 ||
	    !curve_public_equal(&derived, &key->public))
		return err_set(err,
		    "%s:1: the public key does not belong to the secret one",
		    path);
	return true;
}

bool curve_key_load(struct curve_key *key, const char *path, struct err *err)
{
	FILE *file = fopen(path, "re");

	if (!file)
		return err_set(err, "%s: %s", path, strerror(errno));
	bool ok = check_mode(file, path, err) && read_key(key, file, path, err);
	fclose(file);
	return ok;
}

bool curve_key_have(struct curve_key *key, const char *folder, const char *name,
    struct err *err)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >=
	    (int)sizeof(path))
		return err_set(err, "%s: the name is too long", folder);
	if (access(path, F_OK) == 0)
		return curve_key_load(key, path, err);
	curve_key_generate(key);
	return curve_key_save(key, path, err);
}
