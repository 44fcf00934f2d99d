/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a scenario is loaded; shared by the files load*.c, private to them.
 *
 *	text --tree--> overrides --schema--> struct raw, all text
 *	     --load_*--> struct scenario, in base units
 *
 * Each load_* takes its part of struct raw and fills its part of the
 * scenario.  Most of a part is a table of struct field; what remains is what
 * a table cannot say.  Every value that is read, and every one that was left
 * out, is written back into struct raw as it is printed (scenario_print).
 */
#ifndef SCENARIOS_LOAD_H
#define SCENARIOS_LOAD_H

#include "scenarios/names.h"
#include "scenarios/quantity.h"
#include "scenarios/scenario.h"
#include "scenarios/schema.h"

/* Bounds that keep a slip of the keyboard from taking all memory. */
enum {
	MAX_DOMAINS = 256,
	MAX_HOSTS = 10000000,
	MAX_VMS = 50000000, /* and environments */
};

/* A file that the scenario names, for the digest. */
struct named_file {
	struct named_file *next;
	char *path;
};

struct loader {
	const char *path;        /* of the scenario, for messages */
	const char *folder;      /* which other files are relative to */
	const struct node *root;
	struct raw *raw;
	struct scenario *sc;
	struct pool *pool;       /* the scenario's */
	struct pool *scratch;    /* freed when it is loaded */
	double host_mcpu;        /* the unit "host"; 0: hosts differ */
	uint64_t largest_kib;    /* memory of the largest host */
	uint32_t largest_mcpu;
	struct names *domains, *hosts, *envs; /* name -> index */
	struct names *vms;       /* made when first needed */
	struct named_file *files;
	struct err *err;
};

/* Fills err with the place of `at`.`key` (key NULL: of at itself), a path in
 * the tree such as "environments[2].vms", and the message; returns false. */
bool load_fail(const struct loader *ld, const char *at, const char *key,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Tables of fields. */

enum field_kind {
	FIELD_TIME,    /* int64_t, ns */
	FIELD_NEVER,   /* the same, or "never": TIME_NEVER */
	FIELD_SECONDS, /* double, written as a time */
	FIELD_MEMORY,  /* uint64_t, KiB */
	FIELD_CPU,     /* double, mcpu */
	FIELD_DATA,    /* double, bytes */
	FIELD_SPEED,   /* double, KiB/s */
	FIELD_RATE,    /* double, bits/s */
	FIELD_NUMBER,  /* double */
	FIELD_COUNT,   /* uint32_t */
	FIELD_SEED,    /* uint64_t */
	FIELD_SWITCH,  /* bool, "yes" or "no" */
	FIELD_CHOICE,  /* an enum; the words are in its order */
};

struct field {
	const char *key;
	enum field_kind kind;
	size_t raw, out;           /* offsets of the text and of the value */
	const char *initial;       /* NULL: when left out, leave both alone */
	const char *least, *most;  /* written the same way; NULL: 0, and what
	                              the type can hold */
	const char *const *words;  /* of a choice, ended by NULL */
};

#define FIELD(key_, kind_, raw_type, raw_member, out_type, out_member, ...) \
	{ \
		.key = key_, .kind = FIELD_##kind_, \
		.raw = offsetof(raw_type, raw_member), \
		.out = offsetof(out_type, out_member), __VA_ARGS__ \
	}

/* Reads all fields of a table, which ends with a NULL key. */
bool load_fields(const struct loader *ld, const char *at,
    const struct field *fields, void *raw, void *out);

/* Reads one value.  Replaces *text by its canonical form; *text may be NULL
 * if the field has an initial value. */
bool load_field(const struct loader *ld, const char *at,
    const struct field *field, char **text, void *out);

/* Replaces *text, which is malloc'ed or NULL. */
void load_set_text(char **text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A name: letters, digits, and "-", "_", "." within. */
bool load_name(const struct loader *ld, const char *at, const char *name);

/* The name of one of n: the name itself if n is 1 and it is not numbered,
 * else "name-07", with as many digits as n has. */
const char *load_numbered(
    const struct loader *ld, const char *name, uint32_t i, uint32_t n);

/* Looks a name up; fails with a suggestion. */
bool load_find(const struct loader *ld, const char *at, const char *key,
    const struct names *names, const char *what, const char *name,
    uint32_t *ix);

/* The path of a file named in the scenario, in scratch; notes it. */
const char *load_file(struct loader *ld, const char *name);

/* Parts, in the order in which they are loaded. */

bool load_hosts(struct loader *ld);       /* domains, links */
bool load_migration(struct loader *ld);   /* and the virtual network */
bool load_environments(struct loader *ld);
bool load_events(struct loader *ld);
bool load_manager(struct loader *ld);

/* What live mode needs: all of it is there, or none.  After the others. */
bool load_site(struct loader *ld);

/* The workload of an environment whose VMs are like `vm`. */
bool load_workload(struct loader *ld, const char *at, struct raw_workload *raw,
    const struct vm *vm, uint32_t n_vms, struct workload *workload);

/* What a VM uses, and dirties: by default 60 % of its memory, all its vCPUs,
 * and usual working sets. */
bool load_memory_used(const struct loader *ld, const char *at, char **text,
    const struct vm *vm, uint64_t *used_kib);
bool load_demand(const struct loader *ld, const char *at, char **text,
    const struct vm *vm, double *mcpu);
bool load_dirty(const struct loader *ld, const char *at,
    struct raw_working_set **raw, uint32_t *n_raw, struct working_set *sets);

bool load_stage(const struct loader *ld, const char *at,
    struct raw_stage *raw, const struct vm *vm, struct stage *stage);

/* The stages of NEMO3D on n_vms like `vm`, in the pool; the stages that are
 * listed besides follow. */
struct stage *load_nemo3d(struct loader *ld, const char *at,
    struct raw_workload *raw, const struct vm *vm, uint32_t n_vms,
    uint32_t *n_stages);

/* The workload of a job that has so many processors in each VM. */
struct swf_job;
void load_job(const struct loader *ld, const struct swf_job *job,
    uint32_t processors, const struct vm *vm, struct workload *workload);

/* Homes of the VMs of some environments. */
bool load_placement(struct loader *ld, const char *at, char **how,
    uint32_t first_env, uint32_t n_envs, struct vm *vms);

#endif
