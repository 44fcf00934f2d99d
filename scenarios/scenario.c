/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading, printing and freeing of scenarios; see scenario.h and load.h. */
#include "scenarios/scenario.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/load.h"
#include "scenarios/words.h"

/* The loader's own: behind scenario.memory. */
struct memory {
	struct pool *pool;
	struct raw *raw; /* canonical once loaded */
};

/* --- digest ------------------------------------------------------------------*/

static bool digest_file(
    crypto_hash_sha256_state *state, const char *path, struct err *err)
{
	unsigned char buffer[16384];
	FILE *in = fopen(path, "re");
	size_t n;

	if (!in)
		return err_set(err, "%s: %s", path, strerror(errno));
	while ((n = fread(buffer, 1, sizeof buffer, in)) > 0)
		crypto_hash_sha256_update(state, buffer, n);
	fclose(in);
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

/* --- load --------------------------------------------------------------------*/

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
	       load_events(ld) && load_manager(ld) && digest(ld);
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

/* All of a file, in the pool. */
static char *read_text(
    struct pool *pool, const char *path, size_t *size, struct err *err)
{
	FILE *in = fopen(path, "re");
	char *text = NULL, buffer[16384];
	FILE *out;
	size_t n;

	if (!in) {
		err_set(err, "%s: %s", path, strerror(errno));
		return NULL;
	}
	out = open_memstream(&text, size);
	if (!out)
		abort();
	errno = 0;
	while ((n = fread(buffer, 1, sizeof buffer, in)) > 0)
		fwrite(buffer, 1, n, out);
	fclose(out);
	if (ferror(in))
		err_set(err, "%s: %s", path, strerror(errno));
	buffer[0] = ferror(in) ? 1 : 0;
	fclose(in);
	if (buffer[0]) {
		free(text);
		return NULL;
	}
	(void)pool;
	return text;
}

struct scenario *scenario_load(const char *path,
    const struct override *overrides, uint32_t n_overrides, struct err *err)
{
	size_t size;
	char *text = read_text(NULL, path, &size, err);
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

/* --- parameters of a policy --------------------------------------------------*/

/* How a parameter is written, and what one of its units is in core/policy.h's
 * unit. */
static const struct {
	enum measure measure;
	quantity_value factor;
} param_kinds[] = {
	[QUANTITY_NUMBER] = {MEASURE_NUMBER, 1},
	[QUANTITY_TIME] = {MEASURE_TIME, 1e9L},
	[QUANTITY_CPU] = {MEASURE_CPU, 1000},
	[QUANTITY_MEMORY] = {MEASURE_MEMORY, 1},
};

static bool param_fail(const struct scenario *sc, uint32_t i, struct err *err,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static bool param_fail(const struct scenario *sc, uint32_t i, struct err *err,
    const char *format, ...)
{
	struct node node = {.line = sc->manager.params[i].line,
	    .column = sc->manager.params[i].column};
	char text[ERR_TEXT_MAX], path[160];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (!node.line) {
		snprintf(path, sizeof path, "manager.parameters.%.120s",
		    sc->manager.params[i].name);
		node.override = path;
	}
	return node_error(&node, sc->path, err, "%s", text);
}

static bool unknown_param(const struct scenario *sc, uint32_t i,
    const struct policy *policy, struct err *err)
{
	const char *name = sc->manager.params[i].name, *nearest;
	const char *words[64];
	char list[ERR_TEXT_MAX / 2] = "";
	uint32_t n = 0;

	for (; n < policy->n_params && n < 64; n++) {
		words[n] = policy->params[n].name;
		if (strlen(list) + strlen(words[n]) + 3 < sizeof list)
			strcat(strcat(list, n ? ", " : ""), words[n]);
	}
	nearest = nearest_word(name, words, n);
	if (nearest)
		return param_fail(sc, i, err,
		    "policy %s has no parameter \"%.40s\"; did you mean "
		    "\"%s\"?", policy->name, name, nearest);
	return param_fail(sc, i, err,
	    "policy %s has no parameter \"%.40s\"; it has: %s", policy->name,
	    name, n ? list : "none");
}

static const char *param_parse(
    const struct param *param, const char *text, double *value)
{
	quantity_value x;
	const char *wanted;

	if (param->quantity == QUANTITY_SWITCH) {
		*value = strcmp(text, "yes") == 0;
		return *value > 0 || strcmp(text, "no") == 0 ? NULL
		                                             : "yes or no";
	}
	wanted = quantity_parse(
	    text, param_kinds[param->quantity].measure, 0, &x);
	if (!wanted)
		*value = (double)(x / param_kinds[param->quantity].factor);
	return wanted;
}

static void param_print(char *text, const struct param *param, double value)
{
	if (param->quantity == QUANTITY_SWITCH)
		strcpy(text, value > 0 ? "yes" : "no");
	else
		quantity_print(text, param_kinds[param->quantity].measure,
		    (quantity_value)value *
			param_kinds[param->quantity].factor);
}

bool scenario_bind_policy(const struct scenario *sc,
    const struct policy *policy, double *values, struct err *err)
{
	char least[QUANTITY_TEXT_MAX], most[QUANTITY_TEXT_MAX];

	for (uint32_t k = 0; k < policy->n_params; k++)
		values[k] = policy->params[k].initial;
	for (uint32_t i = 0; i < sc->manager.n_params; i++) {
		const char *name = sc->manager.params[i].name;
		const char *text = sc->manager.params[i].value, *wanted;
		int k = policy_find_param(policy, name);
		const struct param *param;

		if (k < 0)
			return unknown_param(sc, i, policy, err);
		param = &policy->params[k];
		wanted = param_parse(param, text, &values[k]);
		if (wanted)
			return param_fail(sc, i, err, "%s is \"%.40s\", not %s",
			    name, text, wanted);
		if (values[k] >= param->min && values[k] <= param->max)
			continue;
		param_print(least, param, param->min);
		param_print(most, param, param->max);
		return param_fail(sc, i, err, "%s is %.40s; it can be %s to %s",
		    name, text, least, most);
	}
	return true;
}
