/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is where (backends/location.h): tables that have heard the same are the
 * same, whatever was lost and said again, repeated and reordered on the way.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/location.h"
#include "backends/location_message.h"

static uint64_t random_state;

static unsigned draw(unsigned n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (unsigned)((random_state * 0x2545f4914f6cdd1du >> 33) % n);
}

static struct location make(
    uint8_t vm, uint64_t epoch, uint64_t sequence, const char *host)
{
	struct location l = {
	    .mac = {{2, 0, 0, 0, 0, vm}},
	    .vni = 7,
	    .ip = 1,
	    .epoch = epoch,
	    .sequence = sequence,
	};

	strcpy(l.host, host);
	return l;
}

static bool same_tables(
    const struct location_table *a, const struct location_table *b)
{
	if (a->n_records != b->n_records)
		return false;
	for (size_t i = 0; i < a->n_records; i++)
		if (mac_compare(a->records[i].mac, b->records[i].mac) ||
		    location_compare(&a->records[i], &b->records[i]))
			return false;
	return true;
}

static const char *host_at(const struct location_table *t, uint8_t vm)
{
	const struct location *l =
	    location_find(t, (struct mac){{2, 0, 0, 0, 0, vm}});

	return l ? l->host : "unknown";
}

/* Order. */

START_TEST(higher_sequence_wins_and_lower_changes_nothing)
{
	struct location_table t = {0};
	struct location old = make(1, 1, 1, "a"), new = make(1, 1, 2, "b");

	ck_assert_int_eq(location_apply(&t, &new), LOCATION_NEWER);
	ck_assert_int_eq(location_apply(&t, &old), LOCATION_STALE);
	ck_assert_str_eq(host_at(&t, 1), "b");
	ck_assert_int_eq(location_apply(&t, &new), LOCATION_SAME);
	ck_assert_uint_eq(t.changes, 1);
	location_fini(&t);
}
END_TEST

/* A manager that restarts with a new epoch begins at sequence 1. */
START_TEST(higher_epoch_wins_over_any_sequence)
{
	struct location_table t = {0};
	struct location old = make(1, 1, 1000, "a"), new = make(1, 2, 1, "b");

	location_apply(&t, &old);
	ck_assert_int_eq(location_apply(&t, &new), LOCATION_NEWER);
	ck_assert_int_eq(location_apply(&t, &old), LOCATION_STALE);
	ck_assert_str_eq(host_at(&t, 1), "b");
	location_fini(&t);
}
END_TEST

/* Two authors who took the same number: all tables take the same one. */
START_TEST(equal_versions_converge)
{
	struct location_table t = {0}, u = {0};
	struct location x = make(1, 1, 5, "a"), y = make(1, 1, 5, "b");

	location_apply(&t, &x);
	location_apply(&t, &y);
	location_apply(&u, &y);
	location_apply(&u, &x);
	ck_assert(same_tables(&t, &u));
	location_fini(&t);
	location_fini(&u);
}
END_TEST

START_TEST(removed_vm_is_not_revived_by_what_is_old)
{
	struct location_table t = {0};
	struct location there = make(1, 1, 5, "a");
	struct location gone = location_place(&there, 0, "");

	location_apply(&t, &there);
	location_apply(&t, &gone);
	ck_assert_int_eq(location_apply(&t, &there), LOCATION_STALE);
	ck_assert_str_eq(host_at(&t, 1), "");
	location_fini(&t);
}
END_TEST

START_TEST(malformed_records_are_refused)
{
	struct location_table t = {0};
	struct location good = make(1, 1, 1, "a"), bad[7];

	for (int i = 0; i < 7; i++)
		bad[i] = good;
	bad[0].mac.byte[0] |= 1; /* a group's address */
	memset(&bad[1].mac, 0, sizeof bad[1].mac);
	bad[2].vni = 0;
	bad[3].vni = 1 << 24;
	strcpy(bad[4].host, "a b");
	strcpy(bad[5].standby, "a");  /* the same as the host */
	bad[6].sequence = UINT64_MAX; /* after which there is none */
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(location_apply(&t, &bad[i]), LOCATION_REFUSED);
	ck_assert_uint_eq(t.n_records, 0);
	location_fini(&t);
}
END_TEST

/* Moves. */

START_TEST(move_is_prepare_switch_settle)
{
	struct location at = make(1, 3, 7, "a"), p, s, e;

	p = location_prepare(&at, 0, "b");
	ck_assert_str_eq(p.host, "a");
	ck_assert_str_eq(p.standby, "b");
	ck_assert_uint_eq(p.sequence, 8);
	s = location_switch(&p, 0);
	ck_assert_str_eq(s.host, "b");
	ck_assert_str_eq(s.standby, "a");
	e = location_settle(&s, 0);
	ck_assert_str_eq(e.host, "b");
	ck_assert_str_eq(e.standby, "");
	ck_assert_uint_eq(e.epoch, 3);
	ck_assert_uint_eq(e.sequence, 10);
	ck_assert(location_concerns(&p, "a") && location_concerns(&p, "b"));
	ck_assert(!location_concerns(&e, "a") && !location_concerns(&e, ""));
}
END_TEST

START_TEST(successor_is_newer_in_any_epoch)
{
	struct location at = make(1, 3, 7, "a");

	for (uint64_t epoch = 0; epoch < 6; epoch++) {
		struct location next = location_prepare(&at, epoch, "b");

		ck_assert_int_gt(location_compare(&next, &at), 0);
		ck_assert_uint_eq(next.epoch, epoch > 3 ? epoch : 3);
	}
}
END_TEST

START_TEST(switch_without_standby_stays)
{
	struct location at = make(1, 1, 1, "a");
	struct location next = location_switch(&at, 0);

	ck_assert_str_eq(next.host, "a");
	ck_assert_str_eq(next.standby, "");
}
END_TEST

/* Properties. */

enum { N_UPDATES = 120, N_TABLES = 4 };

/* A history of moves of a few VMs by two authors, one of whom restarts. */
static void draw_history(struct location history[N_UPDATES])
{
	static const char *const hosts[] = {"", "a", "b", "c"};

	for (int i = 0; i < N_UPDATES; i++) {
		history[i] = make((uint8_t)(1 + draw(6)), draw(3), 1 + draw(20),
		    hosts[draw(4)]);
		if (*history[i].host && draw(2))
			strcpy(history[i].standby,
			    strcmp(history[i].host, "a") ? "a" : "b");
	}
}

/* Some are lost, some come twice, all in any order; then all that was lost is
 * said again, in any order. */
static void hear(struct location_table *t, const struct location *history)
{
	int lost[N_UPDATES], n_lost = 0;

	for (int n = 0; n < 2 * N_UPDATES; n++) {
		unsigned i = draw(N_UPDATES);

		location_apply(t, &history[i]);
	}
	for (int i = 0; i < N_UPDATES; i++)
		lost[n_lost++] = i;
	for (int i = n_lost - 1; i >= 0; i--) {
		int k = (int)draw((unsigned)i + 1), swap = lost[i];

		lost[i] = lost[k];
		lost[k] = swap;
		location_apply(t, &history[lost[i]]);
	}
}

START_TEST(any_order_loss_and_repetition_converges)
{
	for (int round = 0; round < 200; round++) {
		struct location history[N_UPDATES];
		struct location_table t[N_TABLES] = {{0}};

		draw_history(history);
		for (int i = 0; i < N_TABLES; i++)
			hear(&t[i], history);
		for (int i = 1; i < N_TABLES; i++)
			ck_assert(same_tables(&t[0], &t[i]));
		for (int i = 0; i < N_UPDATES; i++)
			ck_assert_int_ne(
			    location_apply(&t[0], &history[i]), LOCATION_NEWER);
		for (int i = 0; i < N_TABLES; i++)
			location_fini(&t[i]);
	}
}
END_TEST

/* The oracle: of each VM the greatest record, found by looking at all. */
START_TEST(table_is_the_maximum_of_all_it_heard)
{
	for (int round = 0; round < 100; round++) {
		struct location history[N_UPDATES];
		struct location_table t = {0};

		draw_history(history);
		hear(&t, history);
		for (int i = 0; i < N_UPDATES; i++)
			ck_assert_int_ge(
			    location_compare(
			        location_find(&t, history[i].mac), &history[i]),
			    0);
		location_fini(&t);
	}
}
END_TEST

/* Bytes. */

static void fill(struct location_table *t, int n)
{
	for (int i = 0; i < n; i++) {
		struct location l = make(1, 1, 1 + draw(9), "host-a");

		l.mac.byte[4] = (uint8_t)draw(256);
		l.mac.byte[5] = (uint8_t)draw(256);
		location_apply(t, &l);
	}
}

START_TEST(table_survives_a_restart_whole)
{
	static uint8_t bytes[1 << 20];
	struct location_table t = {0}, u = {0};
	struct wire_writer w;
	struct wire_reader r;

	fill(&t, 2000);
	wire_writer_init(&w, bytes, sizeof bytes);
	ck_assert(location_encode(&t, &w));
	ck_assert_uint_le(w.len, location_encoded_max(&t));
	wire_reader_init(&r, bytes, w.len);
	ck_assert(location_decode(&r, &u));
	ck_assert(same_tables(&t, &u));
	location_fini(&t);
	location_fini(&u);
}
END_TEST

START_TEST(cut_or_disordered_table_is_refused)
{
	static uint8_t bytes[1 << 16];
	struct location_table t = {0}, u = {0};
	struct wire_writer w;
	struct wire_reader r;
	size_t record;

	for (uint8_t vm = 1; vm < 4; vm++) {
		struct location l = make(vm, 1, 1, "a");

		location_apply(&t, &l);
	}
	wire_writer_init(&w, bytes, sizeof bytes);
	location_encode(&t, &w);
	for (size_t len = 0; len < w.len; len++) {
		wire_reader_init(&r, bytes, len);
		ck_assert(!location_decode(&r, &u));
		ck_assert_uint_eq(u.n_records, 0);
	}
	record = (w.len - 12) / 3;
	memcpy(bytes + 12, bytes + 12 + record, record); /* one twice */
	wire_reader_init(&r, bytes, w.len);
	ck_assert(!location_decode(&r, &u));
	location_fini(&t);
}
END_TEST

START_TEST(telling_in_pieces_tells_all)
{
	static struct location_message m;
	static uint8_t bytes[LOCATION_MESSAGE_MAX];
	struct location_table t = {0}, u = {0};
	uint64_t told = 0;
	size_t len;
	int n = 0;

	fill(&t, 5000);
	while (told < t.changes) {
		m.instance = 9;
		m.behind = 3; /* of an answer: a TELL says nothing of it */
		location_message_tell(&m, &t, told);
		ck_assert_uint_eq(m.behind, 0);
		ck_assert(
		    location_message_encode(&m, bytes, sizeof bytes, &len));
		memset(&m, 0, sizeof m);
		ck_assert(location_message_decode(&m, bytes, len));
		ck_assert_uint_gt(m.change, told);
		told = m.change;
		for (uint32_t i = 0; i < m.n_records; i++)
			location_apply(&u, &m.records[i]);
		n++;
	}
	ck_assert_int_gt(n, 1);
	ck_assert(same_tables(&t, &u));
	location_fini(&t);
	location_fini(&u);
}
END_TEST

START_TEST(answer_as_bytes_is_the_same_and_cut_is_refused)
{
	static struct location_message heard = {.type = LOCATION_HEARD,
	    .request = 5,
	    .instance = 9,
	    .follows = true,
	    .behind = 2};
	static struct location_message read;
	uint8_t bytes[256];
	size_t len;

	ck_assert(location_message_encode(&heard, bytes, sizeof bytes, &len));
	ck_assert(location_message_decode(&read, bytes, len));
	ck_assert_int_eq(memcmp(&heard, &read, sizeof read), 0);
	for (size_t cut = 0; cut < len; cut++)
		ck_assert(!location_message_decode(&read, bytes, cut));
	/* Of the version before, which had no `behind`. */
	bytes[4] = WIRE_VERSION - 1;
	ck_assert(!location_message_decode(&read, bytes, len));
}
END_TEST

START_TEST(mac_text_is_read_as_written_and_nothing_else_is)
{
	static const char *const bad[] = {
	    "",
	    "02:00:00:00:00",
	    "02:00:00:00:00:0g",
	    "02-00-00-00-00-01",
	    "02:00:00:00:00:011",
	    "03:00:00:00:00:01",
	    "00:00:00:00:00:00",
	    "ff:ff:ff:ff:ff:ff",
	};
	char text[MAC_TEXT_BYTES];
	struct mac mac;

	ck_assert(mac_parse("0A:1b:2c:3D:4e:5f", &mac));
	ck_assert_str_eq(mac_format(mac, text), "0a:1b:2c:3d:4e:5f");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!mac_parse(bad[i], &mac), "%s", bad[i]);
}
END_TEST

/* From every record that there can be of three hosts: a claim becomes true,
 * and is no news when it is repeated. */
START_TEST(claim_becomes_true_and_is_idempotent)
{
	static const char *const hosts[] = {"", "a", "b"};

	for (int i = 0; i < 3 * 3 * N_LOCATION_WORDS; i++) {
		struct location now = make(1, 3, 9, hosts[i % 3]), next, again;
		enum location_word word = (enum location_word)(i / 9);

		strcpy(now.standby, hosts[i / 3 % 3]);
		if (*now.standby &&
		    (!*now.host || !strcmp(now.host, now.standby)))
			continue;
		if (!location_claim(&now, word, 17, "b", &next))
			next = now;
		else
			ck_assert_int_gt(location_compare(&next, &now), 0);
		ck_assert(!location_claim(&next, word, 17, "b", &again));
		bool here = !strcmp(next.host, "b");
		bool ready = !strcmp(next.standby, "b");
		if (word == LOCATION_ARRIVES)
			ck_assert(here || ready || !*next.host);
		if (word == LOCATION_STARTS)
			ck_assert(here && (!strcmp(now.host, "b") ||
			                      !strcmp(next.standby, now.host)));
		if (word == LOCATION_STAYS)
			ck_assert(here && !*next.standby);
		if (word == LOCATION_LEAVES)
			ck_assert(!ready && (!here || !*now.standby));
		if (word == LOCATION_ENDS)
			ck_assert(!ready && !here);
	}
}
END_TEST

/* So of the two only the later has to be heard, and in any order. */
START_TEST(start_stands_in_for_the_arrival_before_it)
{
	struct location now = make(1, 3, 9, "a"), ready, both, alone, late;

	ck_assert(location_claim(&now, LOCATION_ARRIVES, 17, "b", &ready));
	ck_assert(location_claim(&ready, LOCATION_STARTS, 17, "b", &both));
	ck_assert(location_claim(&now, LOCATION_STARTS, 17, "b", &alone));
	ck_assert_int_eq(location_compare(&both, &alone), 0);
	ck_assert_str_eq(alone.host, "b");
	ck_assert_str_eq(alone.standby, "a");
	ck_assert(!location_claim(&alone, LOCATION_ARRIVES, 17, "b", &late));
}
END_TEST

START_TEST(claim_as_bytes_is_the_same_and_cut_is_refused)
{
	struct location_claim claim = {.request = 5,
	    .word = LOCATION_LEAVES,
	    .epoch = UINT64_C(1) << 60,
	    .n_macs = 2,
	    .macs = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}}};
	struct location_claim read;
	uint8_t bytes[256];
	size_t len;

	ck_assert(location_claim_encode(&claim, bytes, sizeof bytes, &len));
	ck_assert(location_claim_decode(&read, bytes, len));
	ck_assert_uint_eq(read.request, 5);
	ck_assert_int_eq(read.word, LOCATION_LEAVES);
	ck_assert_uint_eq(read.epoch, claim.epoch);
	ck_assert_uint_eq(read.n_macs, 2);
	ck_assert(!mac_compare(read.macs[1], claim.macs[1]));
	for (size_t cut = 0; cut < len; cut++)
		ck_assert(!location_claim_decode(&read, bytes, cut));
	bytes[WIRE_HEADER_BYTES] = N_LOCATION_WORDS;
	ck_assert(!location_claim_decode(&read, bytes, len));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("location");
	TCase *t = tcase_create("location");
	SRunner *r = srunner_create(s);
	uint64_t seed = (uint64_t)time(NULL);
	int failed;

	if (getenv("SEED"))
		seed = strtoull(getenv("SEED"), NULL, 10);
	printf("SEED=%llu\n", (unsigned long long)seed);
	random_state = seed * 2 + 1;
	tcase_add_test(t, higher_sequence_wins_and_lower_changes_nothing);
	tcase_add_test(t, higher_epoch_wins_over_any_sequence);
	tcase_add_test(t, equal_versions_converge);
	tcase_add_test(t, removed_vm_is_not_revived_by_what_is_old);
	tcase_add_test(t, malformed_records_are_refused);
	tcase_add_test(t, move_is_prepare_switch_settle);
	tcase_add_test(t, successor_is_newer_in_any_epoch);
	tcase_add_test(t, switch_without_standby_stays);
	tcase_add_test(t, any_order_loss_and_repetition_converges);
	tcase_add_test(t, table_is_the_maximum_of_all_it_heard);
	tcase_add_test(t, table_survives_a_restart_whole);
	tcase_add_test(t, cut_or_disordered_table_is_refused);
	tcase_add_test(t, telling_in_pieces_tells_all);
	tcase_add_test(
	    t, answer_as_bytes_is_the_same_and_cut_is_refused);
	tcase_add_test(t, mac_text_is_read_as_written_and_nothing_else_is);
	tcase_add_test(t, claim_becomes_true_and_is_idempotent);
	tcase_add_test(t, start_stands_in_for_the_arrival_before_it);
	tcase_add_test(t, claim_as_bytes_is_the_same_and_cut_is_refused);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
