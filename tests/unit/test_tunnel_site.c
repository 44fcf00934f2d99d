/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The site file of the virtual network, what fits the infrastructure, what
 * is said between daemons and with violin-tunnelctl (backends/tunnel).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/tunnel/admit.h"
#include "backends/tunnel/control.h"
#include "backends/tunnel/peers.h"
#include "backends/tunnel/site.h"
#include "backends/tunnel/state.h"
#include "core/units.h"

#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OTHER_KEY "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA="
#define HEAD                                                                   \
	"domains:\n"                                                           \
	"- name: x\n"                                                          \
	"  hosts:\n"                                                           \
	"  - {name: a, address: 10.0.0.1, tunnel_address: 10.9.0.1,\n"         \
	"     wireguard_key: \"" KEY "\"}\n"                                   \
	"- name: y\n"                                                          \
	"  hosts:\n"                                                           \
	"  - {name: b, address: 10.0.1.1, tunnel_address: 10.9.0.2,\n"         \
	"     wireguard_key: \"" OTHER_KEY "\"}\n"                             \
	"environments:\n"

#define TWO_VMS(name_1, ip_1, name_2, ip_2)                                    \
	HEAD "- name: w\n  vni: 1\n  vms:\n"                                   \
	     "  - {name: " name_1 ", mac: \"02:00:00:00:00:01\", ip: " ip_1    \
	     "}\n"                                                             \
	     "  - {name: " name_2 ", mac: \"02:00:00:00:00:02\", ip: " ip_2    \
	     "}\n"
#define TWO_HOSTS(tunnel_address, key, control)                                \
	"domains:\n- name: x\n  hosts:\n"                                      \
	"  - {name: a, address: 10.0.0.1, tunnel_address: 10.9.0.1,\n"         \
	"     wireguard_key: \"" KEY "\"}\n"                                   \
	"  - name: b\n    address: 10.0.0.2\n"                                 \
	"    tunnel_address: " tunnel_address "\n    wireguard_key: " key      \
	"\n    control: " control "\nenvironments: []\n"

static bool parse(struct site *site, const char *text, struct err *err)
{
	return site_parse(site, "site.yaml", text, strlen(text), err);
}

START_TEST(site_is_read_with_its_defaults)
{
	struct site site;
	struct err err = {{0}};

	ck_assert_msg(parse(&site,
	                  HEAD "- name: web\n  vni: 42\n  vms:\n"
	                       "  - {name: v, mac: \"02:00:00:00:00:01\", "
	                       "ip: 192.168.0.1, host: b}\n",
	                  &err),
	    "%s", err.text);
	ck_assert_int_eq(site.encryption, SITE_WIREGUARD);
	ck_assert_uint_eq(site.vxlan_port, 4789);
	ck_assert(site.announce);
	ck_assert_uint_eq(site.n_hosts, 2);
	ck_assert_uint_eq(site.vms[0].ip, 0xc0a80001);
	ck_assert_uint_eq(site.environments[0].broadcast_pps, 1000);
	ck_assert_int_eq(site_reach(&site, 0, 1), REACH_WIREGUARD);
	ck_assert_uint_eq(site_vxlan_address(&site, 0, 1), 0x0a090002);
	ck_assert(site_needs_wireguard(&site, 0));
	site_fini(&site);
}
END_TEST

/* Each with the place and a word of what is wrong or right. */
static const struct {
	const char *text, *place, *says;
} wrong[] = {
    {"", "site.yaml:1:1:", "empty"},
    {"domains: [\n", "site.yaml:2:1:", "not YAML"},
    {"encryption: rot13\n", "site.yaml:1:13:", "wireguard, none"},
    {"announce: maybe\n", "site.yaml:1:11:", "yes or no"},
    {"vxlan_port: 65536\n", "site.yaml:1:13:", "0 to 65535"},
    {"tunnel_prefix: 0x8\n", "site.yaml:1:16:", "0 to 255"},
    {HEAD "- name: web\n  vni: 0\n", "site.yaml:12:8:", "1 to 16777215"},
    {HEAD "- name: web\n  vnj: 1\n", "site.yaml:12:3:", "did you mean \"vni\""},
    {HEAD "- name: web\n", "site.yaml:11:", "vni"},
    {HEAD "- {name: w, vni: 1}\n- {name: v, vni: 1}\n",
        "site.yaml:12:18:", "\"w\" has vni 1"},
    {HEAD "- {name: w, vni: 1, mtu: 100}\n", "site.yaml:11:26:", "576"},
    {HEAD "- {name: w w, vni: 1}\n", "site.yaml:11:10:", "letters"},
    {HEAD "- name: w\n  vni: 1\n  vms:\n  - {name: v, mac: \"03:0\"}\n",
        "site.yaml:14:20:", "MAC"},
    {HEAD "- name: w\n  vni: 1\n  vms:\n"
          "  - {name: v, mac: \"02:00:00:00:00:01\", host: z}\n",
        "site.yaml:14:47:", "no host \"z\""},
    {TWO_VMS("v", "10.1.0.1", "v", "10.1.0.2"),
        "site.yaml:15:12:", "\"v\" above"},
    {TWO_VMS("v", "10.1.0.1", "w", "10.1.0.1"),
        "site.yaml:15:45:", "\"v\" has this address"},
    {TWO_HOSTS("10.9.0.1", OTHER_KEY, "tcp://10.0.0.2:1"),
        "site.yaml:8:21:", "\"a\" has this tunnel_address"},
    {TWO_HOSTS("10.9.0.2", KEY, "tcp://10.0.0.2:1"),
        "site.yaml:9:20:", "\"a\" has this wireguard_key"},
    {TWO_HOSTS("10.9.0.2", OTHER_KEY, "10.0.0.2:1"),
        "site.yaml:10:14:", "tcp://192.0.2.1:7471"},
    {TWO_HOSTS("10.9.0.2", OTHER_KEY, "tcp://10.0.0.2:70000"),
        "site.yaml:10:14:", "tcp://192.0.2.1:7471"},
    {"tunnel_prefix: 32\n" HEAD "- {name: w, vni: 1}\n",
        "site.yaml:3:1:", "tunnel_prefix"},
    {"domains:\n- name: x\n  hosts:\n  - {name: a, address: 10.0.0.256}\n"
     "environments: []\n",
        "site.yaml:4:24:", "192.0.2.1"},
    {"domains:\n- name: x\n  hosts:\n  - {name: a, address: 10.0.0.1}\n"
     "- name: y\n  hosts:\n  - {name: b, address: 10.0.0.2}\n"
     "environments: []\n",
        "site.yaml:2:1:", "encryption: none"},
    {"domains:\n- name: x\n  datapath: vlan\n  hosts:\n"
     "  - {name: a, address: 10.0.0.1}\nenvironments: []\n",
        "site.yaml:5:5:", "uplink"},
};

START_TEST(each_error_has_its_place_and_what_would_be_right)
{
	struct site site;
	struct err err = {{0}};

	ck_assert_msg(!parse(&site, wrong[_i].text, &err), "%d", _i);
	ck_assert_msg(
	    !strncmp(err.text, wrong[_i].place, strlen(wrong[_i].place)),
	    "%s, not %s", err.text, wrong[_i].place);
	ck_assert_msg(strstr(err.text, wrong[_i].says), "%s", err.text);
}
END_TEST

/* 1500 - 50 VXLAN - 60 WireGuard = 1390, and 1440 for WireGuard itself. */
START_TEST(what_fits_is_found_or_said)
{
	struct site site;
	struct err err = {{0}};
	uint32_t path_mtu[2] = {1500, 1500};

	ck_assert(parse(&site, HEAD "- {name: w, vni: 1}\n", &err));
	ck_assert(admit_site(&site, 0, path_mtu, &err));
	ck_assert_uint_eq(site.environments[0].mtu, 1390);
	ck_assert_uint_eq(site.wireguard_mtu, 1440);
	site_fini(&site);

	ck_assert(parse(&site, HEAD "- {name: w, vni: 1, mtu: 1391}\n", &err));
	ck_assert(!admit_site(&site, 0, path_mtu, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "1390 is the most"));
	path_mtu[1] = 9000;
	ck_assert(admit_site(&site, 0, path_mtu, &err));
	path_mtu[1] = 60;
	ck_assert(!admit_site(&site, 0, path_mtu, &err));
	site_fini(&site);
}
END_TEST

START_TEST(state_is_of_one_daemon_at_a_time)
{
	char folder[] = "/tmp/state.XXXXXX";
	struct err err = {{0}};
	int first;

	ck_assert(mkdtemp(folder));
	first = state_lock(folder, &err);
	ck_assert_msg(first >= 0, "%s", err.text);
	ck_assert_int_eq(state_lock(folder, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "another violin-tunneld"));
	close(first);
	first = state_lock(folder, &err);
	ck_assert_int_ge(first, 0);
	close(first);
	rmdir(folder);
	ck_assert_int_eq(state_lock(folder, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, folder));
}
END_TEST

/* Telling peers. */

START_TEST(peer_is_told_until_it_heard)
{
	struct peer_sync s = {0};

	ck_assert(peer_sync_due(&s, 5, 0));
	peer_sync_told(&s, 5, 0);
	ck_assert(!peer_sync_due(&s, 5, NS_PER_S / 2));
	ck_assert(peer_sync_due(&s, 6, NS_PER_S / 2)); /* news */
	ck_assert(peer_sync_due(&s, 5, NS_PER_S));     /* silence */
	peer_sync_told(&s, 5, NS_PER_S);
	peer_sync_heard(&s, 77, 5, NS_PER_S);
	ck_assert_uint_eq(s.heard, 5);
	ck_assert(!peer_sync_due(&s, 5, 2 * NS_PER_S));
}
END_TEST

START_TEST(restarted_peer_is_told_all_again)
{
	struct peer_sync s = {0};

	peer_sync_told(&s, 5, 0);
	peer_sync_heard(&s, 77, 5, 0);
	peer_sync_told(&s, 5, NS_PER_S);
	peer_sync_heard(&s, 78, 5, NS_PER_S);
	ck_assert_uint_eq(s.heard, 0);
	ck_assert(peer_sync_due(&s, 5, NS_PER_S));
	peer_sync_told(&s, 5, NS_PER_S);
	peer_sync_heard(&s, 78, 5, NS_PER_S);
	ck_assert_uint_eq(s.heard, 5);
}
END_TEST

/* It cannot have heard what it was not told. */
START_TEST(boastful_peer_is_not_believed)
{
	struct peer_sync s = {0};

	peer_sync_told(&s, 5, 0);
	peer_sync_heard(&s, 77, 1000, 0);
	ck_assert_uint_eq(s.heard, 0);
}
END_TEST

/* Violin-tunnelctl. */

static const struct control_request requests[] = {
    {.type = CONTROL_ATTACH, .mac = {{2, 1, 2, 3, 4, 5}}, .port = "vif1.0"},
    {.type = CONTROL_DETACH, .port = "vif1.0"},
    {.type = CONTROL_MOVE, .mac = {{2}}, .phase = PHASE_SETTLE, .host = "a"},
    {.type = CONTROL_SHOW, .what = SHOW_COUNTERS, .format = FORMAT_JSON},
    {.type = CONTROL_RELOAD},
};

START_TEST(requests_are_heard_as_they_were_said)
{
	struct control_request heard;
	char bytes[256];
	size_t len;

	ck_assert(
	    control_encode_request(&requests[_i], bytes, sizeof bytes, &len));
	ck_assert(control_decode_request(&heard, bytes, len));
	ck_assert_mem_eq(&heard, &requests[_i], sizeof heard);
	for (size_t cut = 0; cut < len; cut++)
		ck_assert(!control_decode_request(&heard, bytes, cut));
}
END_TEST

START_TEST(answers_are_heard_as_they_were_said)
{
	struct control_answer said = {true, 3, "text", 4}, heard;
	char bytes[256];
	size_t len;

	ck_assert(control_encode_answer(&said, bytes, sizeof bytes, &len));
	ck_assert(control_decode_answer(&heard, bytes, len));
	ck_assert(heard.ok && heard.behind == 3 && heard.text_len == 4);
	ck_assert_mem_eq(heard.text, "text", 4);
	for (size_t cut = 0; cut < len; cut++)
		ck_assert(!control_decode_answer(&heard, bytes, cut));
}
END_TEST

/* The file over restarts. */

START_TEST(state_is_kept_and_a_broken_one_is_refused)
{
	struct location_table t = {0}, u = {0};
	struct location l = {
	    .mac = {{2}}, .vni = 1, .epoch = 4, .sequence = 5, .host = "a"};
	struct err err = {{0}};
	char path[256];

	snprintf(path, sizeof path, "%s/locations.%d",
	    getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
	ck_assert(state_load(&u, path, &err)); /* not there: empty */
	ck_assert_uint_eq(u.n_records, 0);
	location_apply(&t, &l);
	ck_assert_msg(state_save(&t, path, &err), "%s", err.text);
	ck_assert(state_load(&u, path, &err));
	ck_assert_uint_eq(location_find(&u, l.mac)->sequence, 5);
	location_fini(&u);
	ck_assert_int_eq(truncate(path, 20), 0);
	ck_assert(!state_load(&u, path, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "not a table"));
	unlink(path);
	location_fini(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tunnel site");
	TCase *t = tcase_create("site");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, site_is_read_with_its_defaults);
	tcase_add_loop_test(t, each_error_has_its_place_and_what_would_be_right,
	    0, sizeof wrong / sizeof wrong[0]);
	tcase_add_test(t, what_fits_is_found_or_said);
	tcase_add_test(t, state_is_of_one_daemon_at_a_time);
	tcase_add_test(t, peer_is_told_until_it_heard);
	tcase_add_test(t, restarted_peer_is_told_all_again);
	tcase_add_test(t, boastful_peer_is_not_believed);
	tcase_add_loop_test(t, requests_are_heard_as_they_were_said, 0,
	    sizeof requests / sizeof requests[0]);
	tcase_add_test(t, answers_are_heard_as_they_were_said);
	tcase_add_test(t, state_is_kept_and_a_broken_one_is_refused);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
