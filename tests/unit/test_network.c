/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim/network.h against calculations by hand.  Hosts are 0, 1 in domain a; 2,
 * 3 in b; 4 in c; 5 in d, which nothing connects; links are a - b and b - c.
 *
 *	   NIC 1000    up 800       400, 20 ms      up 900    NIC 1000
 *	h0 ---+ lan           a =============== b           +--- h2
 *	h1 ---+ 1500                            |           +--- h3
 *	                                  300, 5 ms
 *	                                        c --up 100-- h4	   Mbit/s
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "sim/network.h"

#define MBIT 1e6

static struct domain domains[] = {{"a"}, {"b"}, {"c"}, {"d"}};
static struct host hosts[] = {
    {"h0", {0}, 1000, 1}, {"h1", {0}, 1000, 1}, {"h2", {1}, 1000, 1},
    {"h3", {1}, 1000, 1}, {"h4", {2}, 1000, 1}, {"h5", {3}, 1000, 1}};
static struct host_setup nics[6];
static struct uplink_setup uplinks[4];
static struct link_setup links[2];
static struct scenario scenario;
static struct network *net;

static void setup(void)
{
	for (int h = 0; h < 6; h++)
		nics[h] = (struct host_setup){.nic_bps = 1000 * MBIT};
	uplinks[0] = (struct uplink_setup){
	    .bps = 800 * MBIT, .latency_ns = 1000, .lan_latency_ns = 10};
	uplinks[1] = (struct uplink_setup){
	    .bps = 900 * MBIT, .latency_ns = 2000, .lan_latency_ns = 20};
	uplinks[2] = (struct uplink_setup){
	    .bps = 100 * MBIT, .latency_ns = 3000, .lan_latency_ns = 30};
	uplinks[3] = uplinks[2];
	uplinks[0].lan_bps = 1500 * MBIT;
	links[0] = (struct link_setup){.a = {0},
	    .b = {1},
	    .bps = 400 * MBIT,
	    .latency_ns = 20 * NS_PER_MS};
	links[1] = (struct link_setup){.a = {2},
	    .b = {1},
	    .bps = 300 * MBIT,
	    .latency_ns = 5 * NS_PER_MS};
	scenario = (struct scenario){.hosts = nics,
	    .uplinks = uplinks,
	    .links = links,
	    .n_links = 2,
	    .model = {.domains = domains,
	        .hosts = hosts,
	        .n_domains = 4,
	        .n_hosts = 6}};
	net = network_new(&scenario);
	ck_assert_ptr_nonnull(net);
}

static void teardown(void)
{
	network_free(net);
}

/* Builds the network anew, from a scenario that a test has changed. */
static void rebuild(void)
{
	network_free(net);
	net = network_new(&scenario);
	ck_assert_ptr_nonnull(net);
}

static struct host_id h(uint32_t ix)
{
	return (struct host_id){ix};
}

static uint32_t flow(uint32_t from, uint32_t to, double limit_mbit)
{
	return network_open_flow(
	    net, h(from), h(to), limit_mbit * MBIT, 0.5);
}

static void solve(void)
{
	uint32_t n;

	network_solve(net, &n);
}

#define MBITS(flow, mbit) \
	ck_assert_double_eq_tol( \
	    network_rate_bps(net, flow), (mbit)*MBIT, 1e-3)

START_TEST(one_flow_gets_its_narrowest_line)
{
	uint32_t lan = flow(0, 1, HUGE_VAL);

	solve();
	MBITS(lan, 1000);
	network_close_flow(net, lan);
	lan = flow(0, 2, HUGE_VAL);
	solve();
	MBITS(lan, 400);
	network_limit_flow(net, lan, 50 * MBIT);
	solve();
	MBITS(lan, 50);
}
END_TEST

START_TEST(within_a_host_only_the_flows_limit_counts)
{
	uint32_t free_flow = flow(1, 1, HUGE_VAL), slow = flow(1, 1, 70);

	solve();
	ck_assert_double_eq(network_rate_bps(net, free_flow), HUGE_VAL);
	MBITS(slow, 70);
	ck_assert_double_eq(network_path_bps(net, h(1), h(1)), HUGE_VAL);
	ck_assert_int_eq(network_latency_ns(net, h(1), h(1)), 0);
}
END_TEST

/* Four over the link of 400, one of them at most 40: 40, 120, 120, 120. */
START_TEST(flows_share_a_link_and_leave_what_they_cannot_use)
{
	uint32_t f[4];

	for (uint32_t i = 0; i < 4; i++)
		f[i] = flow(i % 2, 2 + i / 2, i == 3 ? 40 : HUGE_VAL);
	solve();
	for (uint32_t i = 0; i < 4; i++)
		MBITS(f[i], i == 3 ? 40 : 120);
}
END_TEST

START_TEST(lines_are_full_duplex)
{
	uint32_t there = flow(0, 2, HUGE_VAL), back = flow(2, 0, HUGE_VAL);

	solve();
	MBITS(there, 400);
	MBITS(back, 400);
}
END_TEST

/* The switch of a carries 1500 in all: both flows inside are limited to 750,
 * and a flow that leaves goes through it as well. */
START_TEST(a_lans_bisection_is_shared_both_ways)
{
	uint32_t there = flow(0, 1, HUGE_VAL), back = flow(1, 0, HUGE_VAL);
	uint32_t out;

	solve();
	MBITS(there, 750);
	MBITS(back, 750);
	out = flow(0, 2, HUGE_VAL);
	solve();
	MBITS(out, 400);
	MBITS(there, 550);
	MBITS(back, 550);
	uplinks[0].lan_bps = 0;
	rebuild();
	there = flow(0, 1, HUGE_VAL);
	back = flow(1, 0, HUGE_VAL);
	solve();
	MBITS(there, 1000);
	MBITS(back, 1000);
}
END_TEST

/* a to c goes over b's router, not over its uplink; c's uplink is narrowest.
 * 20 + 5 ms of links, 1 + 3 us of uplinks, 10 + 30 ns of switches. */
START_TEST(a_path_may_cross_a_third_domain)
{
	uint32_t f = flow(0, 4, HUGE_VAL);

	uplinks[1].bps = 1 * MBIT;
	solve();
	MBITS(f, 100);
	ck_assert_double_eq(network_path_bps(net, h(0), h(4)), 100 * MBIT);
	ck_assert_int_eq(network_latency_ns(net, h(0), h(4)),
	    25 * NS_PER_MS + 4000 + 40);
	ck_assert_int_eq(network_latency_ns(net, h(4), h(0)),
	    network_latency_ns(net, h(0), h(4)));
	ck_assert_int_eq(network_latency_ns(net, h(0), h(1)), 10);
}
END_TEST

START_TEST(without_a_path_nothing_moves)
{
	uint32_t f = flow(0, 5, HUGE_VAL), g = flow(0, 1, HUGE_VAL);

	solve();
	MBITS(f, 0);
	MBITS(g, 1000);
	ck_assert_double_eq(network_path_bps(net, h(0), h(5)), 0);
	ck_assert_int_eq(network_latency_ns(net, h(0), h(5)), 0);
}
END_TEST

START_TEST(a_link_can_be_cut_and_mended)
{
	uint32_t f = flow(0, 2, HUGE_VAL), g = flow(4, 2, HUGE_VAL);
	uint32_t back = flow(2, 1, 70);
	uint32_t n;
	const uint32_t *changed;

	solve();
	network_set_link(net, 0, 0);
	changed = network_solve(net, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(changed[0], f);
	ck_assert_uint_eq(changed[1], back);
	MBITS(f, 0);
	MBITS(back, 0);
	MBITS(g, 100);
	network_set_link(net, 0, 200 * MBIT);
	solve();
	MBITS(f, 200);
	MBITS(back, 70);
}
END_TEST

/* Mean 0.2 of the link taken; a draw of 1/2 is the mean, of 0 half of it.
 * Alone: 400 x 0.8 and 400 x 0.9.  Together each has rate x with
 * x / 0.8 + x / 0.9 = 400. */
START_TEST(background_traffic_is_drawn_for_each_flow)
{
	uint32_t f, g;

	links[0].background = 0.2;
	f = flow(0, 2, HUGE_VAL);
	solve();
	MBITS(f, 320);
	ck_assert_double_eq_tol(
	    network_path_bps(net, h(0), h(2)), 320 * MBIT, 1e-3);
	network_close_flow(net, f);
	f = network_open_flow(net, h(0), h(2), HUGE_VAL, 0);
	solve();
	MBITS(f, 360);
	g = flow(1, 3, HUGE_VAL);
	solve();
	MBITS(f, 400 / (1 / 0.8 + 1 / 0.9));
	MBITS(g, 400 / (1 / 0.8 + 1 / 0.9));
}
END_TEST

/* A ring of 0, 1, 2, 3, each sending 1 MB = 4 Mbit either way.  The link
 * carries 1 -> 2 and 0 -> 3 from a to b: 8 Mbit at 400, 20 ms; the NICs
 * carry 8 Mbit at 1000.  Latency a to b: 20 ms + 3 us + 30 ns.  A ring of 0
 * and 1 alone: 8 Mbit either way through the switch of 1500. */
START_TEST(an_exchange_takes_what_its_fullest_line_takes)
{
	struct host_id ring[] = {h(0), h(1), h(2), h(3)};

	ck_assert_double_eq_tol(network_exchange_s(net, ring, 4, 1e6),
	    0.020 + 0.020 + 3.03e-6, 1e-12);
	ck_assert_double_eq_tol(network_exchange_s(net, ring, 2, 1e6),
	    16.0 / 1500 + 10e-9, 1e-12);
	ck_assert_double_eq(network_exchange_s(net, ring, 4, 0), 0);
	ck_assert_double_eq(network_exchange_s(net, ring, 1, 1e6), 0);
	ring[1] = ring[2] = ring[3] = ring[0];
	ck_assert_double_eq(network_exchange_s(net, ring, 4, 1e6), 0);
	ring[1] = h(5);
	ck_assert_double_eq(network_exchange_s(net, ring, 4, 1e6), HUGE_VAL);
}
END_TEST

/* Two hosts across the link, 1 MB either way: 8 Mbit at 400 Mbit/s.  A
 * transfer limited to 100 leaves 300; one without limit, a half. */
START_TEST(an_exchange_gets_what_transfers_leave)
{
	struct host_id pair[] = {h(0), h(2)};
	double latency = 0.020 + 3.03e-6;
	uint32_t f = flow(1, 3, 100);

	ck_assert_double_eq_tol(network_exchange_s(net, pair, 2, 1e6),
	    8.0 / 400 + latency, 1e-12);
	solve();
	ck_assert_double_eq_tol(network_exchange_s(net, pair, 2, 1e6),
	    8.0 / 300 + latency, 1e-12);
	network_limit_flow(net, f, HUGE_VAL);
	solve();
	ck_assert_double_eq_tol(network_exchange_s(net, pair, 2, 1e6),
	    8.0 / 200 + latency, 1e-12);
	network_set_link(net, 0, 0);
	solve();
	ck_assert_double_eq(network_exchange_s(net, pair, 2, 1e6), HUGE_VAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("network");
	TCase *tc = tcase_create("by hand");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_flow_gets_its_narrowest_line);
	tcase_add_test(tc, within_a_host_only_the_flows_limit_counts);
	tcase_add_test(
	    tc, flows_share_a_link_and_leave_what_they_cannot_use);
	tcase_add_test(tc, lines_are_full_duplex);
	tcase_add_test(tc, a_lans_bisection_is_shared_both_ways);
	tcase_add_test(tc, a_path_may_cross_a_third_domain);
	tcase_add_test(tc, without_a_path_nothing_moves);
	tcase_add_test(tc, a_link_can_be_cut_and_mended);
	tcase_add_test(tc, background_traffic_is_drawn_for_each_flow);
	tcase_add_test(tc, an_exchange_takes_what_its_fullest_line_takes);
	tcase_add_test(tc, an_exchange_gets_what_transfers_leave);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
