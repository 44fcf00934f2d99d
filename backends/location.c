/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is where; see location.h. */
#include "backends/location.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char table_magic[8] = {'V', 'I', 'O', 'L', 'O', 'C', '0', '1'};

void location_fini(struct location_table *table)
{
	free(table->records);
	*table = (struct location_table){0};
}

/* Index of the first record that is not below mac. */
static size_t lower_bound(const struct location_table *table, struct mac mac)
{
	size_t lo = 0, hi = table->n_records;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (mac_compare(table->records[mid].mac, mac) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct location *location_find(
    const struct location_table *table, struct mac mac)
{
	size_t i = lower_bound(table, mac);

	if (i == table->n_records ||
	    mac_compare(table->records[i].mac, mac) != 0)
		return NULL;
	return &table->records[i];
}

#define BY(field)                                                              \
	do {                                                                   \
		if (a->field != b->field)                                      \
			return a->field < b->field ? -1 : 1;                   \
	} while (0)

int location_compare(const struct location *a, const struct location *b)
{
	int order;

	BY(epoch);
	BY(sequence);
	BY(vni);
	BY(ip);
	order = strcmp(a->host, b->host);
	return order ? order : strcmp(a->standby, b->standby);
}

static bool name_ok(const char *name)
{
	for (; *name; name++)
		if (*name <= ' ' || *name > '~')
			return false;
	return true;
}

static bool well_formed(const struct location *l)
{
	static const struct mac zero;

	return !(l->mac.byte[0] & 1) && mac_compare(l->mac, zero) != 0 &&
	       l->vni > 0 && l->vni < 1u << 24 && l->sequence < UINT64_MAX &&
	       name_ok(l->host) && name_ok(l->standby) &&
	       (!*l->standby || (*l->host && strcmp(l->host, l->standby) != 0));
}

static void take(
    struct location_table *table, size_t i, const struct location *news)
{
	table->records[i] = *news;
	table->records[i].change = ++table->changes;
}

static bool insert_at(
    struct location_table *table, size_t i, const struct location *news)
{
	if (table->n_records == LOCATION_TABLE_MAX)
		return false;
	if (table->n_records == table->cap) {
		size_t cap = table->cap ? 2 * table->cap : 16;
		struct location *more =
		    realloc(table->records, cap * sizeof *more);

		if (!more)
			return false;
		table->records = more;
		table->cap = cap;
	}
	memmove(&table->records[i + 1], &table->records[i],
	    (table->n_records - i) * sizeof table->records[0]);
	table->n_records++;
	take(table, i, news);
	return true;
}

enum location_news location_apply(
    struct location_table *table, const struct location *news)
{
	size_t i = lower_bound(table, news->mac);
	int order;

	if (!well_formed(news))
		return LOCATION_REFUSED;
	if (i == table->n_records ||
	    mac_compare(table->records[i].mac, news->mac) != 0)
		return insert_at(table, i, news) ? LOCATION_NEWER
		                                 : LOCATION_REFUSED;
	order = location_compare(news, &table->records[i]);
	if (order > 0)
		take(table, i, news);
	return order > 0   ? LOCATION_NEWER
	       : order < 0 ? LOCATION_STALE
	                   : LOCATION_SAME;
}

static void set_name(char to[LOCATION_HOST_BYTES], const char *name)
{
	snprintf(to, LOCATION_HOST_BYTES, "%s", name);
}

/* The same, one step later. */
static struct location successor(const struct location *now, uint64_t epoch)
{
	struct location next = *now;

	if (epoch > now->epoch) {
		next.epoch = epoch;
		next.sequence = 1;
	} else {
		next.sequence++;
	}
	return next;
}

struct location location_prepare(
    const struct location *now, uint64_t epoch, const char *target)
{
	struct location next = successor(now, epoch);

	set_name(next.standby, strcmp(target, now->host) ? target : "");
	return next;
}

struct location location_switch(const struct location *now, uint64_t epoch)
{
	struct location next = successor(now, epoch);

	if (*now->standby) {
		set_name(next.host, now->standby);
		set_name(next.standby, now->host);
	}
	return next;
}

struct location location_settle(const struct location *now, uint64_t epoch)
{
	struct location next = successor(now, epoch);

	set_name(next.standby, "");
	return next;
}

struct location location_place(
    const struct location *now, uint64_t epoch, const char *host)
{
	struct location next = successor(now, epoch);

	set_name(next.host, host);
	set_name(next.standby, "");
	return next;
}

/* Whoever is ready to take it over, or was there before, has it. */
static struct location leave(
    const struct location *now, uint64_t epoch, bool here)
{
	return here ? location_place(now, epoch, now->standby)
	            : location_settle(now, epoch);
}

static struct location start(
    const struct location *now, uint64_t epoch, const char *me)
{
	struct location ready = *now;

	if (!*now->host)
		return location_place(now, epoch, me);
	if (strcmp(now->standby, me) != 0)
		ready = location_prepare(now, epoch, me);
	return location_switch(&ready, epoch);
}

bool location_claim(const struct location *now, enum location_word word,
    uint64_t epoch, const char *me, struct location *next)
{
	bool here = strcmp(now->host, me) == 0;
	bool ready = strcmp(now->standby, me) == 0;

	switch (word) {
	case LOCATION_ARRIVES:
		/* A VM that is nowhere has nobody to be ready beside. */
		*next = location_prepare(now, epoch, me);
		return !here && !ready && *now->host;
	case LOCATION_STARTS:
		*next = start(now, epoch, me);
		return !here;
	case LOCATION_STAYS:
		*next = location_place(now, epoch, me);
		return !here || *now->standby;
	case LOCATION_LEAVES:
		*next = leave(now, epoch, here);
		return ready || (here && *now->standby);
	case LOCATION_ENDS:
		*next = here ? location_place(now, epoch, "")
		             : location_settle(now, epoch);
		return here || ready;
	case LOCATION_ASKS:
	case N_LOCATION_WORDS:
		break;
	}
	return false;
}

bool location_concerns(const struct location *record, const char *host)
{
	return *host &&
	       (!strcmp(record->host, host) || !strcmp(record->standby, host));
}

void location_put(struct wire_writer *w, const struct location *record)
{
	wire_put_bytes(w, record->mac.byte, sizeof record->mac.byte);
	wire_put_u32(w, record->vni);
	wire_put_u32(w, record->ip);
	wire_put_u64(w, record->epoch);
	wire_put_u64(w, record->sequence);
	wire_put_string(w, record->host);
	wire_put_string(w, record->standby);
}

void location_get(struct wire_reader *r, struct location *record)
{
	*record = (struct location){0};
	wire_get_bytes(r, record->mac.byte, sizeof record->mac.byte);
	record->vni = wire_get_u32(r);
	record->ip = wire_get_u32(r);
	record->epoch = wire_get_u64(r);
	record->sequence = wire_get_u64(r);
	wire_get_string(r, record->host, sizeof record->host);
	wire_get_string(r, record->standby, sizeof record->standby);
	if (r->failed)
		*record = (struct location){0};
}

size_t location_encoded_max(const struct location_table *table)
{
	return sizeof table_magic + 4 +
	       table->n_records *
	           (LOCATION_WIRE_MIN + 2 * (size_t)LOCATION_HOST_BYTES);
}

bool location_encode(const struct location_table *table, struct wire_writer *w)
{
	wire_put_bytes(w, table_magic, sizeof table_magic);
	wire_put_u32(w, (uint32_t)table->n_records);
	for (size_t i = 0; i < table->n_records; i++)
		location_put(w, &table->records[i]);
	return !w->failed;
}

bool location_decode(struct wire_reader *r, struct location_table *table)
{
	char magic[sizeof table_magic];
	uint32_t n;

	wire_get_bytes(r, magic, sizeof magic);
	n = wire_get_count(r, LOCATION_TABLE_MAX, LOCATION_WIRE_MIN);
	if (r->failed || memcmp(magic, table_magic, sizeof magic) != 0)
		return false;
	for (uint32_t i = 0; i < n && !r->failed; i++) {
		struct location record;

		location_get(r, &record);
		/* Ascending and once each: one encoding for each table. */
		if (r->failed || lower_bound(table, record.mac) != i ||
		    location_apply(table, &record) != LOCATION_NEWER)
			r->failed = true;
	}
	if (wire_end(r))
		return true;
	location_fini(table);
	return false;
}

const char *mac_format(struct mac mac, char text[MAC_TEXT_BYTES])
{
	snprintf(text, MAC_TEXT_BYTES, "%02x:%02x:%02x:%02x:%02x:%02x",
	    mac.byte[0], mac.byte[1], mac.byte[2], mac.byte[3], mac.byte[4],
	    mac.byte[5]);
	return text;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool mac_parse(const char *text, struct mac *mac)
{
	if (strlen(text) != MAC_TEXT_BYTES - 1)
		return false;
	for (int i = 0; i < 6; i++, text += 3) {
		int high = hex_digit(text[0]), low = hex_digit(text[1]);

		if (high < 0 || low < 0 || (i < 5 && text[2] != ':'))
			return false;
		mac->byte[i] = (uint8_t)(high << 4 | low);
	}
	return !(mac->byte[0] & 1) && mac_compare(*mac, (struct mac){0}) != 0;
}

int mac_compare(struct mac a, struct mac b)
{
	return memcmp(a.byte, b.byte, sizeof a.byte);
}
