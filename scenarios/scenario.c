/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading, printing and freeing of scenarios; see scenario.h and load.h. */
#include "scenarios/scenario.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/file.h"
#include "scenarios/load.h"

/* The loader's own: behind scenario.memory. */
struct memory {
	struct pool *pool;
	struct raw *raw; /* canonical once loaded */
};

/* Digest. */

static bool digest_file(
    crypto_hash_sha256_state *state, const char *path, struct err *err)
{
	size_t size;
	char *text = file_read(path, &size, err);

	if (!text)
		return false;
	crypto_hash_sha256_update(state, (unsigned char *)text, size);
	free(text);
	return true;
}

/* SHA-256 over the normalised text, then each file it names in order. */
static bool digest(struct loader *ld)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	struct named_file *f, *in_order = NULL, *next;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return err_set(ld->err, "%s: out of memory", ld->path);
	schema_write(ld->raw, out);
	fclose(out);
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (unsigned char *)text, size);
	free(text);
	for (f = ld->files; f; f = next) {
		next = f->next;
		f->next = in_order;
		in_order = f;
	}
	for (f = in_order; f; f = f->next)
		if (!digest_file(&state, f->path, ld->err))
			return false;
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2hex(
	    ld->sc->digest, sizeof ld->sc->digest, hash, sizeof hash);
	return true;
}

/* Load. */

static const struct field scenario_fields[] = {
	FIELD("seed", SEED, struct raw, seed, struct scenario, seed,
	    .initial = "1"),
	FIELD("stop", NEVER, struct raw, stop, struct scenario, stop_ns,
	    .initial = "never", .least = "1 ns"),
	FIELD("series", TIME, struct raw, series, struct scenario, series_ns,
	    .initial = "10 s"),
	FIELD("record", SWITCH, struct raw, record, struct scenario, record,
	    .initial = "yes"),
	{0}};

/* A scenario without a name has that of its file. */
static bool load_head_lines(struct loader *ld)
{
	const char *slash = strrchr(ld->path, '/');
	const char *base = slash ? slash + 1 : ld->path;
	struct raw *raw = ld->raw;

	if (!raw->name)
		load_set_text(&raw->name, "%.*s",
		    (int)strcspn(base, "."), base);
	if (!*raw->name)
		load_set_text(&raw->name, "scenario");
	ld->sc->name = raw->name;
	return load_fields(ld, "", scenario_fields, raw, ld->sc);
}

static bool load_all(struct loader *ld, const char *text, size_t size,
    const struct override *overrides, uint32_t n_overrides)
{
	struct node *root =
	    tree_parse(ld->scratch, ld->path, text, size, ld->err);

	if (!root)
		return false;
	ld->root = root;
	for (uint32_t i = 0; i < n_overrides; i++)
		if (!tree_override(ld->scratch, root, overrides[i].path,
			overrides[i].value, ld->err))
			return false;
	ld->raw = schema_load(root, ld->path, ld->err);
	((struct memory *)ld->sc->memory)->raw = ld->raw;
	return ld->raw && load_head_lines(ld) && load_hosts(ld) &&
	       load_migration(ld) && load_environments(ld) &&
	       load_events(ld) && load_manager(ld) &&
	       load_site(ld) && digest(ld);
}

/* The part of a path before its last slash; "" for this folder. */
static const char *folder_of(struct pool *pool, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == path)
		return "/.";
	return slash ? pool_copy(pool, path, (size_t)(slash - path)) : "";
}

static struct scenario *scenario_new(const char *path)
{
	struct pool *pool = pool_new();
	struct scenario *sc = POOL_TAKE(pool, 1, struct scenario);
	struct memory *memory = POOL_TAKE(pool, 1, struct memory);

	memory->pool = pool;
	sc->memory = memory;
	sc->path = pool_copy(pool, path, strlen(path));
	return sc;
}

struct scenario *scenario_load_text(const char *path, const char *text,
    size_t size, const struct override *overrides, uint32_t n_overrides,
    struct err *err)
{
	struct scenario *sc = scenario_new(path);
	struct loader ld = {.path = sc->path, .sc = sc,
	    .pool = ((struct memory *)sc->memory)->pool,
	    .scratch = pool_new(), .err = err};

	ld.folder = folder_of(ld.scratch, path);
	if (!load_all(&ld, text, size, overrides, n_overrides)) {
		scenario_free(sc);
		sc = NULL;
	}
	names_free(ld.domains);
	names_free(ld.hosts);
	names_free(ld.envs);
	names_free(ld.vms);
	pool_free(ld.scratch);
	return sc;
}

struct scenario *scenario_load(const char *path,
    const struct override *overrides, uint32_t n_overrides, struct err *err)
{
	size_t size;
	char *text = file_read(path, &size, err);
	struct scenario *sc;

	if (!text)
		return NULL;
	sc = scenario_load_text(
	    path, text, size, overrides, n_overrides, err);
	free(text);
	return sc;
}

void scenario_free(struct scenario *sc)
{
	struct memory *memory;

	if (!sc)
		return;
	memory = sc->memory;
	schema_free(memory->raw);
	pool_free(memory->pool);
}

bool scenario_print(const struct scenario *sc, FILE *out, struct err *err)
{
	const struct memory *memory = sc->memory;

	schema_write(memory->raw, out);
	if (ferror(out))
		return err_set(err, "%s: %s", sc->path, strerror(errno));
	return true;
}
