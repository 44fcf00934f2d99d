/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the fake host, shared by its files. */
#ifndef BACKENDS_FAKE_FAKE_INSIDE_H
#define BACKENDS_FAKE_FAKE_INSIDE_H

#include "backends/fake/host_fake.h"

enum { FAKE_VMS = 256, FAKE_FAULTS = 64, FAKE_CHUNK = 16384, FAKE_PATH = 512 };
enum { FAKE_LACKS = 8, FAKE_ENDS = 16 };
enum { FAKE_MAC = 24 }; /* "02:00:00:00:00:01", its zero and padding */

struct fake_vm {
	struct host_vm vm;  /* name "": free */
	uint32_t cpu_mcpu;  /* what it would use */
	uint64_t boot_id;   /* determines its memory */
	int64_t at_ns;      /* vm.cpu_time_ns is of then */
	char mac[FAKE_MAC]; /* "" if it has none */
};

enum fake_fault_kind { FAULT_FAIL, FAULT_HANG };

struct fake_fault {
	enum fake_fault_kind kind;
	char call[16];
	char vm[HOST_NAME_MAX_LEN];
	uint32_t after;
	bool spent;
};

/* A VM ends by itself when it has been running here for so long. */
struct fake_end {
	char vm[HOST_NAME_MAX_LEN];
	enum host_vm_end end;
	int64_t after_ns;
	int64_t since_ns; /* seen running since; -1: not */
	bool spent;
};

enum fake_op_kind { FAKE_CREATE, FAKE_DESTROY, FAKE_SEND, FAKE_RECEIVE };

/* A transfer's head, before the image. */
struct fake_head {
	uint64_t boot_id;
	uint64_t image_bytes;
	struct host_vm vm;
	uint32_t cpu_mcpu;
	uint32_t zero;
	char mac[FAKE_MAC];
};

struct fake_op {
	uint64_t op; /* 0: free */
	enum fake_op_kind kind;
	char vm[HOST_NAME_MAX_LEN];
	int fd;
	bool aborted;
	bool failing, hanging; /* by a fault, half-way */
	struct fake_head head;
	uint64_t done_bytes; /* of head and image */
	uint64_t generator;  /* of the image, there */
	uint8_t chunk[FAKE_CHUNK];
	size_t chunk_len, chunk_pos;
	int64_t began_ns;
};

struct host_fake {
	char name[HOST_NAME_MAX_LEN];
	char state_dir[FAKE_PATH];
	char history[FAKE_PATH];
	char lacks[FAKE_LACKS][FAKE_PATH]; /* files that are not there */
	size_t n_lacks;
	uint32_t n_cpus;
	uint64_t mem_kib;
	uint64_t image_bytes;
	uint64_t speed_Bps; /* 0: unbounded */
	uint64_t next_boot_id;
	int64_t now_ns; /* of the last poll */
	struct fake_vm vms[FAKE_VMS];
	struct fake_fault faults[FAKE_FAULTS];
	size_t n_faults;
	struct fake_end ends[FAKE_ENDS];
	size_t n_ends;
	int64_t end_ns; /* the next one; TIME_NEVER */
	struct fake_op ops[HOST_OPS_MAX];
};

/* host_fake.c */
struct fake_vm *fake_find(struct host_fake *fake, const char *name);
struct fake_vm *fake_add(struct host_fake *fake, const char *name);
void fake_remove(struct host_fake *fake, struct fake_vm *vm);
void fake_set_state(
    struct host_fake *fake, struct fake_vm *vm, enum host_vm_state state);
/* Is a fault due for this call now?  Uses it up. */
bool fake_is_fault(struct host_fake *fake, enum fake_fault_kind kind,
    const char *call, const char *vm);

/* fake_state.c: files of what there is, and the history */
bool fake_load(struct host_fake *fake, bool *any, struct err *err);
void fake_store(struct host_fake *fake, const struct fake_vm *vm);
void fake_unstore(struct host_fake *fake, const char *name);
void fake_note(
    struct host_fake *fake, const struct fake_vm *vm, const char *what);

/* fake_script.c */
bool fake_parse(struct host_fake *fake, const char *script, const char *name,
    struct err *err);

/* fake_config.c: name and memory out of a guest configuration */
bool fake_parse_config(const char *config, char name[HOST_NAME_MAX_LEN],
    uint64_t *mem_kib, uint32_t *n_vcpus, struct err *err);
/* Of its first interface; "" if it has none. */
void fake_parse_mac(const char *config, char mac[FAKE_MAC]);
/* As host_api.check. */
bool fake_check_config(const struct host_fake *fake, const char *vm,
    const char *config, uint32_t *line, struct err *err);

/* fake_transfer.c: moves what can be moved by now.  True if it is over;
 * event is then filled. */
bool fake_transfer(
    struct host_fake *fake, struct fake_op *op, struct host_event *event);
void fake_transfer_begin(struct host_fake *fake, struct fake_op *op, int fd);
int64_t fake_transfer_next(
    const struct host_fake *fake, const struct fake_op *op, short *poll_events);

#endif
