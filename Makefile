# SPDX-License-Identifier: GPL-3.0-or-later
# The adaptive VIOLIN system.  `make help` lists what can be asked for.

# BUILD is where everything goes, CC the compiler; V=1 shows the commands.
BUILD   ?= build
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX  ?= /usr/local
DESTDIR ?=
CFLAGS  ?= -O2 -g
WERROR  ?=
INSTRUMENT ?=
VERSION := 0.1.0
B       := $(BUILD)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: deps FORCE

# --- Debian packages ---------------------------------------------------------
# The simulator, the figures, and what builds and tests them.
DEPS_CORE := gcc libc6-dev binutils clang libclang-rt-14-dev \
	libgsl-dev libcyaml-dev libyaml-dev libcsv-dev gnuplot-nox \
	check libsubunit-dev mandoc
# Real hosts: hypervisor, control connections, keys, netlink, the testbed.
DEPS_LIVE := libxen-dev libzmq3-dev libsodium-dev libmnl-dev iproute2 \
	wireguard-tools tcpdump qemu-system-x86 mmdebstrap xz-utils cpio

deps: ## install what is needed from Debian packages (the only step for root)
	@command -v dpkg-query >/dev/null || { \
	  echo "deps: this is no Debian; install the like of:" \
	    "$(DEPS_CORE) $(DEPS_LIVE)" >&2; exit 1; }; \
	missing=; for p in $(DEPS_CORE) $(DEPS_LIVE); do \
	  dpkg-query -W -f '$${db:Status-Status}\n' $$p 2>/dev/null | \
	    grep -qx installed || missing="$$missing $$p"; \
	done; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" -eq 0 ]; then root=; \
	elif command -v sudo >/dev/null; then root=sudo; \
	else echo "deps: as root: apt-get install$$missing" >&2; exit 1; fi; \
	echo "deps: installing$$missing"; \
	apt="$$root env DEBIAN_FRONTEND=noninteractive apt-get -qqy \
	  -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0"; \
	$$apt update && $$apt install --no-install-recommends $$missing || { \
	  echo "deps: apt-get could not install$$missing" >&2; exit 1; }

# `make deps check`: what follows deps is left to a make that starts when the
# tools are there, and so finds them.
ifneq ($(filter deps,$(MAKECMDGOALS)),)
rest := $(filter-out deps,$(MAKECMDGOALS))
.PHONY: $(rest)
$(rest): deps
	@$(MAKE) --no-print-directory $@
else

# --- how to compile ----------------------------------------------------------
ifeq ($(origin CC),default)
CC := gcc
endif

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wvla -Wformat=2 -Wundef -Wredundant-decls -Wdouble-promotion

# Optional libraries: what this machine has, as the compiler sees it.
has = $(shell echo '\#include <$(1)>' | $(CC) -E - >/dev/null 2>&1 && echo y)
XEN  := $(call has,libxl.h)
LIVE := $(and $(call has,zmq.h),$(call has,sodium.h), \
	$(call has,libmnl/libmnl.h))

# No fused multiply-add: gcc and clang must round alike.
flags = -I. -D_GNU_SOURCE -DVIOLIN_VERSION='"$(VERSION)"' \
	$(if $(XEN),-DHAVE_XEN) $(if $(LIVE),-DHAVE_LIVE) $(CPPFLAGS) \
	-std=gnu11 $(WARN) -fno-common -ffp-contract=off \
	-ffile-prefix-map=$(CURDIR)=. $(CFLAGS) $(INSTRUMENT)
compile = $(CC) $(flags) $(WERROR)
link    = $(CC) $(CFLAGS) $(INSTRUMENT) $(LDFLAGS) -Wl,--as-needed

Q := $(if $(V),,@)
say = @$(if $(V),true,printf '  %-7s %s\n' $(1) $(2))

# --- what is built from what -------------------------------------------------
# A main is a file named here; every other file goes into the library.
MAINS := sim/violin.c backends/monitor/violind.c \
	backends/tunnel/violin-tunneld.c
CORE_SRC := $(sort $(wildcard core/*.c))
LIB_SRC  := $(sort $(filter-out $(MAINS) $(if $(LIVE),,backends/curve%), \
	$(wildcard sim/*.c scenarios/*.c plots/*.c backends/*.c \
	$(addprefix backends/,sim/*.c fake/*.c $(if $(XEN),xen/*.c) \
	$(if $(LIVE),live/*.c monitor/*.c tunnel/*.c)))))
TEST_SRC := $(sort $(filter-out tests/netns/% tests/xen/%, \
	$(wildcard tests/*/test_*.c tests/*/test_*.sh)))
BENCH_SRC := $(wildcard tests/bench/*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
PLUGIN_SRC := $(wildcard tests/policy/*.c)

obj = $(patsubst %.c,$(B)/%.o,$(1))
bin = $(patsubst %.c,%,$(1:%=$(B)/%))

PROGRAMS := violin $(notdir $(basename $(wildcard \
	$(if $(LIVE),backends/tunnel/violin-tunneld.c) \
	$(if $(and $(LIVE),$(XEN)),backends/monitor/violind.c))))
LIBS := -lcyaml -lyaml -lcsv -lgsl -lgslcblas -lm -ldl \
	$(if $(XEN),-lxenlight -lxentoollog) $(if $(LIVE),-lzmq -lsodium -lmnl)

.PHONY: all
all: $(PROGRAMS:%=$(B)/%) ## build the programs into build/ (the default)

# Rewritten when they would differ: other flags, or a file less, rebuild.
$(B)/flags:   export text = $(CC) $(flags)
$(B)/sources: export text = $(CORE_SRC) $(LIB_SRC)
$(B)/flags $(B)/sources: FORCE
	@mkdir -p $(@D); printf '%s\n' "$$text" | cmp -s - $@ || \
	  printf '%s\n' "$$text" > $@

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(compile) -MMD -MP -c $< -o $@

# The policy core: one relocatable object, linked once and whole into every
# program.  Its digest is what --version and every result name.
$(B)/core.o: $(call obj,$(CORE_SRC)) $(B)/sources
	$(call say,LD,$@)
	$(Q)$(LD) -r -o $@ $(filter %.o,$^)

$(B)/core.sha256: $(B)/core.o
	$(Q)objcopy --strip-debug $< $@.o && \
	  sha256sum < $@.o | cut -c1-64 > $@ && rm $@.o

$(B)/digest.o: $(B)/core.sha256 sim/digest.h $(B)/flags
	$(Q)printf '#include "sim/digest.h"\n%s\n' \
	  "const char core_digest[] = \"$$(cat $<)\";" | \
	  $(compile) -xc -c - -o $@

$(B)/libviolin.a: $(call obj,$(LIB_SRC)) $(B)/digest.o $(B)/sources
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcsD $@ $(filter %.o,$^)

$(B)/violin: $(B)/sim/violin.o
$(B)/violind: $(B)/backends/monitor/violind.o
$(B)/violin-tunneld: $(B)/backends/tunnel/violin-tunneld.o
$(B)/violin $(B)/violind $(B)/violin-tunneld: $(B)/core.o $(B)/libviolin.a
	$(call say,LINK,$@)
	$(Q)$(link) -rdynamic -o $@ $(filter %/$(@F).o,$^) $(B)/core.o \
	  $(B)/libviolin.a $(LIBS)

# --- tests: a program a file; those in tests/core link the core alone --------
CHECK := -lcheck_pic -lsubunit -pthread -lrt -lm

$(B)/tests/core/%: $(B)/tests/core/%.o $(B)/core.o
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $^ $(CHECK)

$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/core.o $(B)/libviolin.a
	$(call say,LINK,$@)
	$(Q)$(link) -fsanitize=fuzzer -o $@ $^ $(LIBS)

$(B)/tests/%: $(B)/tests/%.o $(B)/core.o $(B)/libviolin.a
	$(call say,LINK,$@)
	$(Q)$(link) -rdynamic -o $@ $^ $(CHECK) $(LIBS)

$(B)/tests/%.sh: tests/%.sh
	@install -D $< $@

# A researcher's own policy, as --policy loads it.
$(B)/tests/policy/%.so: tests/policy/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(compile) -MMD -MP -fPIC -shared $< -o $@

.PHONY: tests fuzzers bench-programs
tests: all $(call bin,$(TEST_SRC)) $(PLUGIN_SRC:%.c=$(B)/%.so)
fuzzers: $(call bin,$(FUZZ_SRC))
bench-programs: all $(call bin,$(BENCH_SRC))

# --- the tests run -----------------------------------------------------------
# One tree of objects for each way to build; $(B) is the one that is installed.
SAN   := -fsanitize=address,undefined -fno-sanitize-recover=all
other := $(if $(findstring clang,$(CC)),gcc,clang)
sub   = $(MAKE) --no-print-directory \
	$(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS)) WERROR=-Werror
build-tests = $(sub) tests
build-asan  = $(sub) BUILD=$(B)/asan tests \
	INSTRUMENT='-O1 -fno-omit-frame-pointer $(SAN) --coverage'
build-fuzz  = $(sub) BUILD=$(B)/fuzz CC=clang fuzzers \
	INSTRUMENT='-O1 $(SAN) -fsanitize=fuzzer-no-link'
build-other = $(sub) BUILD=$(B)/$(other) CC=$(other) all

# What is run, in the order in which it starts; see tests/run.
tests-in = $(patsubst %.c,%,$(TEST_SRC:%=$(1)/%))
fuzz-run = $(patsubst %.c,$(B)/fuzz/%,$(FUZZ_SRC))
hook     = $(if $(wildcard tests/$(1)/run),-- tests/$(1)/run)
run      = @JOBS=$(JOBS) OTHER=$(B)/$(other) tests/run $(B)

.PHONY: check check-quick check-asan check-netns check-xen
check: ## build in every way and pass all tests
	@$(build-tests)
	@$(build-asan)
	@$(build-fuzz)
	@$(build-other)
	$(run) tests/lint/run $(call tests-in,$(B)/asan) $(call tests-in,$(B)) \
	  $(fuzz-run) tests/compilers -- tests/coverage \
	  $(call hook,netns) $(call hook,xen)

check-quick: ## the inner loop: lint, unit and core tests, in a minute
	@$(build-tests)
	$(run) tests/lint/run $(filter $(B)/tests/core/% $(B)/tests/unit/%,\
	  $(call tests-in,$(B)))

check-asan: ## all tests under the address and undefined sanitizers
	@$(build-asan)
	$(run) $(call tests-in,$(B)/asan)

check-netns: ## the virtual network on network namespaces (root)
	@$(build-tests)
	$(run) $(call hook,netns)

check-xen: ## the live system on real Xen hosts in QEMU
	@$(build-tests)
	$(run) $(call hook,xen)

.PHONY: coverage compare-compilers lint fuzz bench reproduce
coverage: ## lines of core and sim that the tests reach; fails below 90 %
	@$(build-asan)
	$(run) $(call tests-in,$(B)/asan) -- tests/coverage

compare-compilers: ## every scenario gives the same bytes from gcc and clang
	@$(sub) all
	@$(build-other)
	$(run) tests/compilers

lint: $(B)/core.sha256 ## layers, purity of the core, style, man pages
	$(run) tests/lint/run

fuzz: ## each parser fuzzed for FUZZ_SECONDS (600)
	@$(build-fuzz)
	@for f in $(fuzz-run); do tests/fuzz/run $$f $(or $(FUZZ_SECONDS),600) \
	  || exit; done

bench: ## speed and size, as ratios within one run
	@$(sub) bench-programs
	@BUILD=$(B) tests/bench/run

reproduce: ## the paper's experiments: table, figures; fails if a row does
	@$(sub) all
	@BUILD=$(B) tests/paper/reproduce -o $(B)/reproduce

# --- and the rest ------------------------------------------------------------
PAGES := $(foreach n,1 5 7 8,$(wildcard */*.$(n) */*/*.$(n)))

.PHONY: install format clean help
put = install -D -m $(1) $(2) $(DESTDIR)$(PREFIX)/$(3)/$(notdir $(2)) &&
install: all ## into PREFIX (/usr/local), below DESTDIR if that is given
	@$(foreach p,$(PROGRAMS),\
	  $(call put,755,$(B)/$(p),$(if $(p:violin=),sbin,bin))) \
	$(foreach p,$(PAGES),\
	  $(call put,644,$(p),share/man/man$(subst .,,$(suffix $(p))))) :

format: ## lay out all C files as .clang-format says
	clang-format -i $(wildcard */*.[ch] */*/*.[ch])

clean: ## remove build/
	rm -rf $(B)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(word 1,$(MAKEFILE_LIST)) | \
	  awk -F '\t' '{ printf "make %-18s %s\n", $$1, $$2 }'

-include $(patsubst %.c,$(B)/%.d,$(filter %.c,$(CORE_SRC) $(LIB_SRC) \
	$(MAINS) $(TEST_SRC) $(BENCH_SRC) $(FUZZ_SRC) $(PLUGIN_SRC)))
.PRECIOUS: $(B)/%.o

endif # deps
