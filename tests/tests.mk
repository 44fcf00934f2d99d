# SPDX-License-Identifier: GPL-3.0-or-later
# The tests, how they are built and run; read by the Makefile.

# --- a program a file; those in tests/core link the core alone ---------------
TEST_SRC := $(sort $(filter-out tests/netns/% tests/xen/%, \
	$(wildcard tests/*/test_*.c tests/*/test_*.sh)))
BENCH_SRC := $(wildcard tests/bench/*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
PLUGIN_SRC := $(wildcard tests/policy/*.c)

bin = $(patsubst %.c,%,$(1:%=$(B)/%))
CHECK := -lcheck_pic -lsubunit -pthread -lrt -lm

$(B)/tests/core/%: $(B)/tests/core/%.o $(B)/core.o
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $^ $(CHECK)

$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/core.o $(B)/libviolin.a
	$(call say,LINK,$@)
	$(Q)$(link) -fsanitize=fuzzer -o $@ $^ $(LIBS)

$(B)/tests/%: $(B)/tests/%.o $(B)/tests/support.o $(B)/core.o $(B)/libviolin.a
	$(call say,LINK,$@)
	$(Q)$(link) -rdynamic -o $@ $(filter %.o,$^) $(filter %.a,$^) \
	  $(CHECK) $(LIBS)

$(B)/tests/paper/reproduce: \
		$(patsubst %.c,$(B)/%.o,$(wildcard tests/paper/*.c)) \
		$(B)/core.o $(B)/libviolin.a
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $^ $(LIBS)

$(B)/tests/unit/test_violind $(B)/tests/unit/test_violind_faults: \
  $(B)/tests/unit/violind_rig.o

# Without the live part, a test of it, or of what includes it, says so, and
# nothing else.
ifeq ($(LIVE),)
empty :=
live  := backends/(live|monitor|tunnel)/ backends/curve backends/relay
using  = $(shell grep -lE \
	'"($(subst $(empty) ,|,$(strip $(1))))' $(wildcard $(2)))
live  += $(call using,$(live),tests/*/*.h)
live  += $(call using,$(live),tests/*/*.h)
$(call bin,$(filter $(TEST_SRC) $(FUZZ_SRC),\
  $(call using,$(live),tests/*/*.c))):
	@mkdir -p $(@D)
	$(Q)printf '%s\n' '#!/bin/sh' \
	  'echo "SKIP the live part was not built"' \
	  'echo "0 passed, 0 failed, 1 skipped"' >$@ && chmod +x $@
endif

$(B)/tests/%.sh: tests/%.sh
	@install -D $< $@

# What tests/netns/run asks for.
$(B)/tests/netns/moves: $(B)/tests/netns/world.o $(B)/tests/netns/truth.o

# A researcher's own policy, as --policy loads it.
$(B)/tests/policy/%.so: tests/policy/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(compile) -MMD -MP -fPIC -shared $< -o $@

.PHONY: tests fuzzers bench-programs
tests: all $(call bin,$(TEST_SRC)) $(PLUGIN_SRC:%.c=$(B)/%.so)
fuzzers: $(call bin,$(FUZZ_SRC))
bench-programs: all $(call bin,$(BENCH_SRC))

# --- and run -----------------------------------------------------------------
# One tree of objects for each way to build; $(B) is the one that is installed.
SAN   := -fsanitize=address,undefined -fno-sanitize-recover=all
other := $(if $(findstring clang,$(CC)),gcc,clang)
sub   = $(MAKE) --no-print-directory \
	$(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS)) \
	WERROR=$(or $(WERROR),-Werror)
build-tests = $(sub) tests
build-asan  = $(sub) BUILD=$(B)/asan CC=gcc tests \
	INSTRUMENT='-O1 -fno-omit-frame-pointer $(SAN) --coverage'
build-fuzz  = $(sub) BUILD=$(B)/fuzz CC=clang fuzzers \
	INSTRUMENT='-O1 $(SAN) -fsanitize=fuzzer-no-link'
build-other = $(sub) BUILD=$(B)/$(other) CC=$(other) all

# What is run, in the order in which it starts; see tests/run.
tests-in = $(patsubst %.c,%,$(TEST_SRC:%=$(1)/%))
fuzz-run = $(patsubst %.c,$(B)/fuzz/%,$(FUZZ_SRC))
hook     = $(if $(wildcard tests/$(1)/run),-- tests/$(1)/run)
# Of those on real Xen hosts, what measures no time: check-xen has them all.
beside   = $(if $(wildcard tests/xen/run),+ 'tests/xen/run beside')
run      = @JOBS=$(JOBS) OTHER=$(B)/$(other) tests/run $(B)

.PHONY: check check-quick check-asan check-install check-units check-netns \
	check-xen
check: ## build in every way and pass all tests
	@+$(build-tests)
	@+$(build-asan)
	@+$(build-fuzz)
	@+$(build-other)
	$(run) tests/lint/run $(wildcard tests/install/run) \
	  $(call tests-in,$(B)/asan) $(call tests-in,$(B)) $(fuzz-run) \
	  tests/compilers $(beside) -- tests/coverage $(call hook,netns)

check-quick: ## the inner loop: lint, unit and core tests, in a minute
	@+$(build-tests)
	$(run) tests/lint/run $(filter $(B)/tests/core/% $(B)/tests/unit/%,\
	  $(call tests-in,$(B)))

check-asan: ## all tests under the address and undefined sanitizers
	@+$(build-asan)
	$(run) $(call tests-in,$(B)/asan)

check-install: ## the Debian packages on a clean Debian 12 (root)
	@+$(build-tests)
	$(run) $(filter $(B)/tests/install/%,$(call tests-in,$(B))) \
	  $(call hook,install)

check-units: ## the packages and units on a whole emulated Xen host (root)
	@+$(sub) all
	$(run) tests/install/dom0

check-netns: ## the virtual network on network namespaces (root)
	@+$(build-tests)
	$(run) $(call hook,netns)

check-xen: ## the live system on real Xen hosts in QEMU
	@+$(build-tests)
	$(run) $(call hook,xen)

.PHONY: coverage compare-compilers lint fuzz bench reproduce
coverage: ## lines of core and sim that the tests reach; fails below 90 %
	@+$(build-asan)
	$(run) $(call tests-in,$(B)/asan) -- tests/coverage

compare-compilers: ## every scenario gives the same bytes from gcc and clang
	@+$(sub) all
	@+$(build-other)
	$(run) tests/compilers

lint: $(B)/core.sha256 ## layers, purity of the core, style, man pages
	$(run) tests/lint/run

fuzz: ## each parser fuzzed for FUZZ_SECONDS (600)
	@+$(build-fuzz)
	@for f in $(fuzz-run); do tests/fuzz/run $$f $(or $(FUZZ_SECONDS),600) \
	  || exit; done

bench: ## speed and size, as ratios within one run
	@+$(sub) bench-programs
	@BUILD=$(B) tests/bench/run

reproduce: ## the paper's experiments: table, figures; fails if a row does
	@+$(sub) all $(B)/tests/paper/reproduce
	@VIOLIN=$(B)/violin $(B)/tests/paper/reproduce -o $(B)/reproduce

-include $(patsubst %.c,$(B)/%.d,$(wildcard tests/*.c tests/*/*.c))
