/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From locations to a kernel that follows (backends/tunnel/desire.h, diff.h),
 * on a kernel that is a struct net: each operation does to it what Linux does.
 * Properties, from any state to any other, however damaged:
 *  - the operations lead to what is desired, and then there are none
 *  - what works before and after works after every single operation
 *  - what is not ours is as it was
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/tunnel/desire.h"
#include "backends/tunnel/diff.h"
#include "tests/unit/tunnel_kernel.h"

enum { N_HOSTS = 4, N_ENVS = 4, N_VMS = 16 };

static uint64_t random_state;

static unsigned draw(unsigned n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (unsigned)((random_state * 0x2545f4914f6cdd1du >> 33) % n);
}

/* A site: hosts 0, 1 on one link with VLANs, 2 and 3 elsewhere. */

static struct site_domain domains[3] = {
    {"campus", SITE_VLAN}, {"lab", SITE_VXLAN}, {"cloud", SITE_VXLAN}};
static struct site_host hosts[N_HOSTS];
static struct site_environment envs[N_ENVS];
static struct site_vm vms[N_VMS];
static struct site site = {
    .encryption = SITE_WIREGUARD,
    .vxlan_port = 4789,
    .tunnel_prefix = 24,
    .wireguard_mtu = 1440,
    .domains = domains,
    .n_domains = 3,
    .hosts = hosts,
    .n_hosts = N_HOSTS,
    .environments = envs,
    .n_environments = N_ENVS,
    .vms = vms,
    .n_vms = N_VMS,
};

static void make_site(void)
{
	static const uint32_t domain_of[N_HOSTS] = {0, 0, 1, 2};

	for (uint32_t i = 0; i < N_HOSTS; i++) {
		snprintf(hosts[i].name, sizeof hosts[i].name, "h%u", i);
		strcpy(hosts[i].uplink, "up");
		hosts[i].domain = domain_of[i];
		hosts[i].address = 10u << 24 | i << 8 | 1;
		hosts[i].tunnel_address = 10u << 24 | 99u << 16 | (i + 1);
	}
	for (uint32_t i = 0; i < N_ENVS; i++) {
		snprintf(envs[i].name, sizeof envs[i].name, "e%u", i);
		envs[i].vni = 100 + i;
		envs[i].vlan = (uint16_t)(200 + i);
	}
	for (uint32_t i = 0; i < N_VMS; i++) {
		snprintf(vms[i].name, sizeof vms[i].name, "vm%u", i);
		snprintf(vms[i].port, sizeof vms[i].port, "p%u", i);
		vms[i].mac = (struct mac){{2, 0, 0, 0, 0, (uint8_t)i}};
		vms[i].environment = i % N_ENVS;
	}
}

static struct location at(uint32_t vm, uint64_t n, int host, int standby)
{
	struct location l = {
	    .mac = vms[vm].mac,
	    .vni = envs[vms[vm].environment].vni,
	    .ip = 192u << 24 | 168u << 16 | vm,
	    .epoch = 1,
	    .sequence = n,
	};

	if (host >= 0)
		strcpy(l.host, hosts[host].name);
	if (standby >= 0 && standby != host)
		strcpy(l.standby, hosts[standby].name);
	return l;
}

static void draw_locations(struct location_table *t)
{
	for (uint32_t vm = 0; vm < N_VMS; vm++) {
		int host = (int)draw(N_HOSTS + 1) - 1;
		struct location l = at(vm, 1, host,
		    host >= 0 && !draw(3) ? (int)draw(N_HOSTS) : -1);

		if (draw(8))
			location_apply(t, &l);
	}
}

/* What is there besides. */

static void kernel_add_foreign(struct net *k)
{
	struct net_link *l = net_add_link(k);
	struct net_entry *e;

	strcpy(l->name, "up");
	l->up = true;
	l = net_add_link(k);
	strcpy(l->name, "viob9999"); /* somebody likes our names */
	l->kind = NET_BRIDGE;
	l = net_add_link(k);
	strcpy(l->name, "tap0");
	strcpy(l->master, "viob9999");
	e = net_add_entry(k);
	e->kind = NET_PLACE;
	strcpy(e->link, "tap0");
	e->mac.byte[0] = 2;
	e = net_add_entry(k);
	e->kind = NET_NEIGHBOUR;
	strcpy(e->link, "up");
	e->mac.byte[0] = 4;
	e->ip = 1;
	net_sort(k);
}

static void kernel_add_port(struct net *k, uint32_t vm)
{
	struct net_link *l = net_add_link(k);

	strcpy(l->name, vms[vm].port);
	net_sort(k);
}

/* What works. */

/* Where a bridge sends a MAC: a port's name, and for a tunnel the host. */
struct way {
	char port[IFNAMSIZ];
	uint32_t host;
};

static bool find_way(
    const struct net *k, const char *bridge, struct mac mac, struct way *way)
{
	*way = (struct way){{0}, 0};
	for (size_t i = 0; i < k->n_entries; i++) {
		const struct net_entry *e = &k->entries[i];

		if (e->kind == NET_PLACE && !mac_compare(e->mac, mac) &&
		    !strcmp(bridge_of(k, e->link), bridge))
			memcpy(way->port, e->link, sizeof way->port);
	}
	for (size_t i = 0; i < k->n_entries; i++) {
		const struct net_entry *e = &k->entries[i];

		if (e->kind == NET_REMOTE && !mac_compare(e->mac, mac) &&
		    !strcmp(e->link, way->port))
			way->host = e->ip;
	}
	return *way->port && (strncmp(way->port, "viox", 4) || way->host);
}

static bool same_way(const struct way *a, const struct way *b)
{
	return !strcmp(a->port, b->port) && a->host == b->host;
}

/* The ways that are the same before and after are there now. */
static void check_uninterrupted(
    const struct net *before, const struct net *after, const struct net *now)
{
	for (uint32_t vm = 0; vm < N_VMS; vm++) {
		char bridge[IFNAMSIZ];
		struct way a, b, c;

		net_name_bridge(bridge, envs[vms[vm].environment].vni);
		if (!find_way(before, bridge, vms[vm].mac, &a) ||
		    !find_way(after, bridge, vms[vm].mac, &b))
			continue;
		ck_assert_msg(find_way(now, bridge, vms[vm].mac, &c),
		    "no way to VM %u in between", vm);
		if (same_way(&a, &b))
			ck_assert(same_way(&a, &c));
	}
}

/* Reconciling. */

static size_t count_difference(const struct net *k, uint32_t me,
    const struct location_table *t, struct diff *d)
{
	struct net want = {0};
	struct err err = {{0}};

	desire_net(&want, &site, me, t, k);
	d->n_ops = 0;
	ck_assert_msg(diff_nets(d, &want, k, &err), "%s", err.text);
	net_fini(&want);
	return d->n_ops;
}

/* As the daemon does, a few passes; returns the operations it took. */
static size_t reconcile(
    struct net *k, uint32_t me, const struct location_table *t)
{
	struct diff d = {0};
	size_t n = 0;

	for (int pass = 0; pass < 6 && count_difference(k, me, t, &d); pass++) {
		for (size_t i = 0; i < d.n_ops; i++)
			kernel_do(k, &d.ops[i]);
		n += d.n_ops;
	}
	ck_assert_uint_eq(count_difference(k, me, t, &d), 0);
	diff_fini(&d);
	return n;
}

static void reconcile_watched(
    struct net *k, uint32_t me, const struct location_table *t)
{
	struct net before = {0}, after = {0};
	struct diff d = {0};

	copy_net(&before, k);
	copy_net(&after, k);
	reconcile(&after, me, t);
	for (int pass = 0; pass < 6 && count_difference(k, me, t, &d); pass++)
		for (size_t i = 0; i < d.n_ops; i++) {
			kernel_do(k, &d.ops[i]);
			check_uninterrupted(&before, &after, k);
		}
	diff_fini(&d);
	net_fini(&before);
	net_fini(&after);
}

static void plug_ports(
    struct net *k, uint32_t me, const struct location_table *t)
{
	for (uint32_t vm = 0; vm < N_VMS; vm++) {
		const struct location *l = location_find(t, vms[vm].mac);

		if (l && location_concerns(l, hosts[me].name) &&
		    !net_find_link(k, vms[vm].port))
			kernel_add_port(k, vm);
	}
}

/* Tests. */

static const struct net_entry *entry_of(
    const struct net *k, enum net_entry_kind kind, struct mac mac)
{
	for (size_t i = 0; i < k->n_entries; i++)
		if (k->entries[i].kind == kind &&
		    !mac_compare(k->entries[i].mac, mac))
			return &k->entries[i];
	return NULL;
}

/* VM 0 here on h2, VM 4 (the same environment) on h3, another domain. */
START_TEST(remote_vm_gets_its_entries_and_no_more)
{
	struct location_table t = {0};
	struct location here = at(0, 1, 2, -1), there = at(4, 1, 3, -1);
	struct net k = {0};

	location_apply(&t, &here);
	location_apply(&t, &there);
	kernel_add_port(&k, 0);
	reconcile(&k, 2, &t);
	ck_assert_str_eq(entry_of(&k, NET_PLACE, vms[0].mac)->link, "p0");
	ck_assert_str_eq(entry_of(&k, NET_PLACE, vms[4].mac)->link, "viox100");
	ck_assert_uint_eq(
	    entry_of(&k, NET_REMOTE, vms[4].mac)->ip, hosts[3].tunnel_address);
	ck_assert_uint_eq(entry_of(&k, NET_REMOTE, (struct mac){{0}})->ip,
	    hosts[3].tunnel_address);
	ck_assert_uint_eq(
	    entry_of(&k, NET_NEIGHBOUR, vms[4].mac)->ip, there.ip);
	ck_assert_uint_eq(k.n_entries, 5);
	/* The port, the bridge, the tunnel, WireGuard. */
	ck_assert_uint_eq(k.n_links, 4);
	ck_assert_uint_eq(k.n_addresses, 1);
	ck_assert_uint_eq(net_find_link(&k, "p0")->port_flags, NET_LOCKED);
	ck_assert_uint_eq(net_find_link(&k, "viox100")->port_flags,
	    NET_ISOLATED | NET_LOCKED | NET_ARP_SUPPRESS);
	net_fini(&k);
	location_fini(&t);
}
END_TEST

START_TEST(host_on_the_same_link_is_reached_by_vlan)
{
	struct location_table t = {0};
	struct location here = at(0, 1, 0, -1), there = at(4, 1, 1, -1);
	struct net k = {0};

	location_apply(&t, &here);
	location_apply(&t, &there);
	reconcile(&k, 0, &t);
	ck_assert_str_eq(entry_of(&k, NET_PLACE, vms[4].mac)->link, "viov100");
	ck_assert_ptr_null(entry_of(&k, NET_REMOTE, vms[4].mac));
	ck_assert_uint_eq(net_find_link(&k, "viov100")->vlan, 200);
	ck_assert_ptr_null(net_find_link(&k, "viox100"));
	net_fini(&k);
	location_fini(&t);
}
END_TEST

/* The target of a prepared move has the VM's port in the bridge, but the
 * bridge places the VM at its source: the lock keeps the port mute. */
START_TEST(target_is_ready_and_silent_until_the_switch)
{
	struct location_table t = {0};
	struct location l = at(0, 1, 3, 2);
	struct net k = {0};

	location_apply(&t, &l);
	kernel_add_port(&k, 0);
	reconcile(&k, 2, &t);
	ck_assert_str_eq(net_find_link(&k, "p0")->master, "viob100");
	ck_assert_str_eq(entry_of(&k, NET_PLACE, vms[0].mac)->link, "viox100");
	l = location_switch(&l, 0);
	location_apply(&t, &l);
	reconcile(&k, 2, &t);
	ck_assert_str_eq(entry_of(&k, NET_PLACE, vms[0].mac)->link, "p0");
	net_fini(&k);
	location_fini(&t);
}
END_TEST

/* After settling the source keeps nothing of an environment that has left. */
START_TEST(source_cleans_up_after_settling)
{
	struct location_table t = {0};
	struct location l = at(0, 1, 2, -1), next;
	struct net k = {0};

	location_apply(&t, &l);
	kernel_add_port(&k, 0);
	reconcile(&k, 2, &t);
	next = location_prepare(&l, 0, "h3");
	next = location_switch(&next, 0);
	location_apply(&t, &next);
	reconcile(&k, 2, &t);
	ck_assert_ptr_nonnull(net_find_link(&k, "viob100"));
	next = location_settle(&next, 0);
	location_apply(&t, &next);
	reconcile(&k, 2, &t);
	ck_assert_ptr_null(net_find_link(&k, "viob100"));
	ck_assert_str_eq(net_find_link(&k, "p0")->master, "");
	net_fini(&k);
	location_fini(&t);
}
END_TEST

START_TEST(same_state_takes_no_operation)
{
	struct location_table t = {0};
	struct net k = {0};

	draw_locations(&t);
	kernel_add_foreign(&k);
	plug_ports(&k, 1, &t);
	reconcile(&k, 1, &t);
	ck_assert_uint_eq(reconcile(&k, 1, &t), 0);
	net_fini(&k);
	location_fini(&t);
}
END_TEST

START_TEST(somebody_elses_interface_with_our_name_is_said)
{
	struct location_table t = {0};
	struct location l = at(0, 1, 2, -1);
	struct net k = {0}, want = {0};
	struct net_link *link = net_add_link(&k);
	struct diff d = {0};
	struct err err = {{0}};

	strcpy(link->name, "viob100");
	link->kind = NET_BRIDGE;
	location_apply(&t, &l);
	desire_net(&want, &site, 2, &t, &k);
	ck_assert(!diff_nets(&d, &want, &k, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "viob100"));
	ck_assert_uint_eq(d.n_ops, 0);
	net_fini(&k);
	net_fini(&want);
	location_fini(&t);
}
END_TEST

START_TEST(any_state_leads_to_any_other_uninterrupted)
{
	for (int round = 0; round < 100; round++) {
		struct location_table t = {0};
		struct net k = {0};
		uint32_t me = draw(N_HOSTS);

		kernel_add_foreign(&k);
		for (int step = 0; step < 4; step++) {
			location_fini(&t);
			draw_locations(&t);
			plug_ports(&k, me, &t);
			reconcile_watched(&k, me, &t);
		}
		net_fini(&k);
		location_fini(&t);
	}
}
END_TEST

/* Links and entries vanish, strange ones appear on what is ours. */
static void damage(struct net *k)
{
	for (unsigned n = 1 + draw(5); n > 0; n--) {
		struct net_link *l = &k->links[draw((unsigned)k->n_links)];

		if (net_owned(l) && !draw(2))
			kernel_del_link(k, l->name);
		else if (net_owned(l) && l->kind == NET_BRIDGE)
			l->up = false;
		else if (k->n_entries && !draw(2)) {
			struct net_entry *e =
			    &k->entries[draw((unsigned)k->n_entries)];
			const struct net_link *on = net_find_link(k, e->link);

			if (net_owned(on))
				e->ip ^= e->kind == NET_PLACE ? 0 : 1;
		}
		net_sort(k);
	}
}

START_TEST(any_damage_is_repaired_and_nothing_else_touched)
{
	for (int round = 0; round < 200; round++) {
		struct location_table t = {0};
		struct net k = {0}, good = {0};
		uint32_t me = draw(N_HOSTS);

		kernel_add_foreign(&k);
		draw_locations(&t);
		plug_ports(&k, me, &t);
		reconcile(&k, me, &t);
		copy_net(&good, &k);
		damage(&k);
		reconcile(&k, me, &t);
		ck_assert_uint_eq(k.n_links, good.n_links);
		ck_assert_uint_eq(k.n_entries, good.n_entries);
		for (size_t i = 0; i < k.n_entries; i++)
			ck_assert(!net_compare_entries(
			    &k.entries[i], &good.entries[i]));
		for (size_t i = 0; i < k.n_links; i++) {
			ck_assert_str_eq(k.links[i].name, good.links[i].name);
			ck_assert_str_eq(
			    k.links[i].master, good.links[i].master);
			ck_assert_uint_eq(k.links[i].up, good.links[i].up);
		}
		net_fini(&k);
		net_fini(&good);
		location_fini(&t);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tunnel diff");
	TCase *t = tcase_create("diff");
	SRunner *r = srunner_create(s);
	uint64_t seed = (uint64_t)time(NULL);
	int failed;

	if (getenv("SEED"))
		seed = strtoull(getenv("SEED"), NULL, 10);
	printf("SEED=%llu\n", (unsigned long long)seed);
	random_state = seed * 2 + 1;
	make_site();
	tcase_add_test(t, remote_vm_gets_its_entries_and_no_more);
	tcase_add_test(t, host_on_the_same_link_is_reached_by_vlan);
	tcase_add_test(t, target_is_ready_and_silent_until_the_switch);
	tcase_add_test(t, source_cleans_up_after_settling);
	tcase_add_test(t, same_state_takes_no_operation);
	tcase_add_test(t, somebody_elses_interface_with_our_name_is_said);
	tcase_add_test(t, any_state_leads_to_any_other_uninterrupted);
	tcase_add_test(t, any_damage_is_repaired_and_nothing_else_touched);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
