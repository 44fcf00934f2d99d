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
# One name for it, however it is told: what depends on what is kept by name.
B       := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: deps FORCE

# --- Debian packages ---------------------------------------------------------
# The simulator, the figures, and what builds and tests them.
DEPS_CORE := gcc libc6-dev binutils clang libclang-rt-14-dev \
	libgsl-dev libcyaml-dev libyaml-dev libcsv-dev libsodium-dev \
	gnuplot-nox check libsubunit-dev mandoc
# Real hosts: hypervisor, control connections, keys, netlink, packages.
DEPS_LIVE := libxen-dev libzmq3-dev libmnl-dev liblz4-dev iproute2 \
	systemd wireguard-tools tcpdump build-essential debhelper mount \
	procps nftables kmod
# Tests on machines of their own, which are skipped without these.
DEPS_BED := qemu-system-x86 mmdebstrap openssh-client xz-utils \
	cpio

deps: ## install what is needed from Debian packages (the only step for root)
	@command -v dpkg-query >/dev/null || { \
	  echo "deps: this is no Debian; install the like of:" \
	    "$(DEPS_CORE) $(DEPS_LIVE) $(DEPS_BED)" >&2; exit 1; }; \
	missing() { for p; do \
	  dpkg-query -W -f '$${db:Status-Status}\n' $$p 2>/dev/null | \
	    grep -qx installed || printf ' %s' $$p; done; }; \
	need=$$(missing $(DEPS_CORE) $(DEPS_LIVE)); \
	want=$$(missing $(DEPS_BED)); \
	[ -n "$$need$$want" ] || { echo "deps: all there"; exit 0; }; \
	if [ "$$(id -u)" -eq 0 ]; then root=; \
	elif command -v sudo >/dev/null; then root=sudo; \
	else echo "deps: needs root for apt-get install$$need$$want" >&2; \
	  exit 1; fi; \
	echo "deps: installing$$need$$want"; \
	apt="$$root env DEBIAN_FRONTEND=noninteractive apt-get -qqy \
	  -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0"; \
	get="$$apt install --no-install-recommends"; \
	$$apt update; \
	$$get $$need $$want || { [ -n "$$want" ] && \
	  echo "deps: without$$want some tests are skipped" >&2 && \
	  { [ -z "$$need" ] || $$get $$need; }; } || { \
	  echo "deps: apt-get could not install$$need" >&2; exit 1; }

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
	$(call has,lz4.h),$(call has,libmnl/libmnl.h))

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
	backends/xen/violin-guest-agent.c \
	$(wildcard backends/tunnel/violin-*.c)
CORE_SRC := $(sort $(wildcard core/*.c))
LIB_SRC  := $(sort $(filter-out $(MAINS) \
	$(if $(LIVE),,backends/curve% backends/relay%), \
	$(wildcard sim/*.c scenarios/*.c plots/*.c backends/*.c \
	$(addprefix backends/,sim/*.c fake/*.c $(if $(XEN),xen/*.c) \
	$(if $(LIVE),live/*.c monitor/*.c tunnel/*.c)))))
obj = $(patsubst %.c,$(B)/%.o,$(1))

PROGRAMS := violin $(notdir $(basename $(wildcard \
	$(if $(LIVE),backends/tunnel/violin-*.c) \
	$(if $(LIVE),backends/monitor/violind.c) \
	backends/xen/violin-guest-agent.c)))
LIBS := -lcyaml -lyaml -lcsv -lsodium -lgsl -lgslcblas -lm -ldl \
	$(if $(XEN),-lxenlight -lxlutil -lxentoollog -lxenstore -lxenctrl) \
	$(if $(LIVE),-lzmq -lmnl -llz4)

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

$(B)/plots/scripts.o: $(wildcard plots/*.gp)

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
$(B)/violin-tunnelctl: $(B)/backends/tunnel/violin-tunnelctl.o
$(addprefix $(B)/,violin violind violin-tunneld violin-tunnelctl): \
  $(B)/core.o $(B)/libviolin.a
	$(call say,LINK,$@)
	$(Q)$(link) -rdynamic -o $@ $(filter %/$(@F).o,$^) $(B)/core.o \
	  $(B)/libviolin.a $(LIBS)

# For any guest: it needs nothing but a kernel.
$(B)/violin-guest-agent: $(B)/backends/xen/violin-guest-agent.o
	$(call say,LINK,$@)
	$(Q)$(link) $(if $(INSTRUMENT),,-static -s) -o $@ $<

include tests/tests.mk

# --- and the rest ------------------------------------------------------------
PAGES := $(foreach n,1 5 7 8,$(wildcard */*.$(n) */*/*.$(n)))
UNITS := $(if $(LIVE),$(wildcard backends/*/*.service))
SITE  := $(wildcard backends/live/site/*)
FILES := $(addprefix scenarios/,*.yaml paper samples)
DOC   := share/doc/violin/examples
STUDY := $(addprefix scenarios/,*.yaml paper samples)

.PHONY: install deb format clean help
to    = $(DESTDIR)$(PREFIX)/$(1)
put   = install -D -m $(1) $(2) $(call to,$(3)/$(notdir $(2))) &&
# The same, of a text that says where programs are.
place = mkdir -p $(call to,$(2)) && \
	sed 's,/usr/,$(PREFIX)/,g' $(1) >$(call to,$(2)/$(notdir $(1))) &&
copy  = mkdir -p $(call to,$(2)) && cp -r $(1) $(call to,$(2)) &&
install: all ## into PREFIX (/usr/local), below DESTDIR if that is given
	@$(foreach p,$(PROGRAMS),\
	  $(call put,755,$(B)/$(p),$(if $(p:violin=),sbin,bin))) \
	$(call put,755,backends/tunnel/vif-violin,lib/violin) \
	$(foreach p,$(PAGES),\
	  $(call put,644,$(p),share/man/man$(subst .,,$(suffix $(p))))) \
	$(foreach u,$(UNITS),$(call place,$(u),lib/systemd/system)) \
	$(foreach s,$(SITE),$(call place,$(s),$(DOC)/site)) \
	$(call put,755,backends/guest/violin-guest-image,sbin) \
	$(call copy,backends/guest/*/,share/violin/guest) \
	$(call copy,$(FILES),$(DOC)/scenarios) :

# Debian wants its folder at the top of a source tree: one of links.
TREE := Makefile README.md LICENSE sim core backends scenarios plots tests
deb: ## build Debian packages into build/deb/
	@mkdir -p $(B)/deb/violin && rm -rf $(B)/deb/*.deb && \
	cd $(B)/deb/violin && rm -rf debian && \
	ln -sfn $(TREE:%=$(CURDIR)/%) . && cp -r backends/deb debian && \
	env -i PATH="$$PATH" DEB_BUILD_OPTIONS=parallel=$(JOBS) \
	  dpkg-buildpackage -b -nc -us -uc

format: ## lay out all C files as .clang-format says
	clang-format -i $(wildcard */*.[ch] */*/*.[ch])

clean: ## remove build/
	rm -rf $(B)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' \
	  Makefile tests/tests.mk | \
	  awk -F '\t' '{ printf "make %-18s %s\n", $$1, $$2 }'

-include $(patsubst %.c,$(B)/%.d,$(CORE_SRC) $(LIB_SRC) $(MAINS))
.PRECIOUS: $(B)/%.o

endif # deps
