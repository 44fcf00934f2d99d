/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where VMs are created: by the policy, drawn, or from a file; see load.h. */
#include "scenarios/load.h"

#include <string.h>

#include "scenarios/trace.h"

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t splitmix64(uint64_t *s)
{
	uint64_t z = *s += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

/* A host for VM v, uniform, of its own whatever other VMs there are. */
static uint32_t random_host(uint64_t seed, uint32_t v, uint32_t n_hosts)
{
	uint64_t s = seed * 7919 + v * UINT64_C(0x2545F4914F6CDD1D);

	splitmix64(&s);
	return (uint32_t)(splitmix64(&s) % n_hosts);
}

static void place_randomly(
    struct loader *ld, const struct environment *env, struct vm *vms)
{
	const struct scenario *sc = ld->sc;

	for (uint32_t v = env->first_vm; v < env->first_vm + env->n_vms; v++)
		vms[v].home.ix =
		    random_host(sc->seed, v, sc->model.n_hosts);
}

struct place_by_file {
	struct loader *ld;
	struct vm *vms;
	uint32_t first_env, n_envs;
};

/* Rows for VMs of other entries are theirs to read. */
static const char *take_place(
    void *self, const char *vm, const char *host, bool *wrong_vm)
{
	struct place_by_file *p = self;
	uint32_t v = names_find(p->ld->vms, vm);
	uint32_t h = names_find(p->ld->hosts, host);

	*wrong_vm = v == ID_NONE;
	if (v == ID_NONE)
		return "is no VM of the scenario; VMs are named like V1-1 or "
		       "V1-head";
	if (h == ID_NONE)
		return "is no host of the scenario";
	if (p->vms[v].env.ix - p->first_env < p->n_envs)
		p->vms[v].home.ix = h;
	return NULL;
}

static void index_vms(struct loader *ld)
{
	const struct model *model = &ld->sc->model;

	if (ld->vms)
		return;
	ld->vms = names_new();
	for (uint32_t v = 0; v < model->n_vms; v++)
		names_add(ld->vms, model->vms[v].name, v);
}

static bool place_by_file(struct loader *ld, const char *at, const char *file,
    uint32_t first_env, uint32_t n_envs, struct vm *vms)
{
	struct place_by_file p = {ld, vms, first_env, n_envs};
	const char *path = load_file(ld, file);
	const struct environment *first = &ld->sc->model.envs[first_env];
	const struct environment *last = first + n_envs - 1;

	index_vms(ld);
	if (!trace_read_placement(path, take_place, &p, ld->err))
		return false;
	for (uint32_t v = first->first_vm; v < last->first_vm + last->n_vms;
	    v++)
		if (host_none(vms[v].home) && !vms[v].is_head)
			return load_fail(ld, at, "placement",
			    "%s says nothing of VM %s", path, vms[v].name);
	return true;
}

bool load_placement(struct loader *ld, const char *at, char **how,
    uint32_t first_env, uint32_t n_envs, struct vm *vms)
{
	if (!*how)
		load_set_text(how, "policy");
	if (strcmp(*how, "policy") == 0)
		return true;
	for (uint32_t e = first_env; e < first_env + n_envs; e++)
		ld->sc->envs[e].placement = PLACE_HOME;
	if (strcmp(*how, "random") == 0) {
		for (uint32_t e = first_env; e < first_env + n_envs; e++)
			place_randomly(ld, &ld->sc->model.envs[e], vms);
		return true;
	}
	if (strchr(*how, '.') || strchr(*how, '/'))
		return place_by_file(ld, at, *how, first_env, n_envs, vms);
	return load_fail(ld, at, "placement",
	    "placement is \"%.40s\"; it can be: policy, random, or a file "
	    "such as hosts.csv", *how);
}
