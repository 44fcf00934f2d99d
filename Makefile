# SPDX-License-Identifier: GPL-3.0-or-later
# The adaptive VIOLIN system.  `make help` lists what can be asked for.

# BUILD is where everything goes, CC the compiler; V=1 shows the commands.
BUILD   ?= build
CC      ?= gcc
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0
B       := $(BUILD)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wvla -Wformat=2 -Wundef -Wredundant-decls -Wdouble-promotion
OPT      ?= -O2
CFLAGS   ?= $(OPT) -g
# No fused multiply-add: gcc and clang must round alike.
override CFLAGS += -std=gnu11 $(WARN) $(WERROR) -ffp-contract=off \
	-ffile-prefix-map=$(CURDIR)=. -fno-common $(EXTRA_CFLAGS)
override CPPFLAGS += -I. -D_GNU_SOURCE -DVIOLIN_VERSION='"$(VERSION)"'

Q := $(if $(V),,@)
say = @$(if $(V),true,printf '  %-7s %s\n' $(1) $(2))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

# --- what is built from what -------------------------------------------------
CORE_SRC := $(wildcard core/*.c)
LIB_SRC  := $(filter-out sim/violin.c, $(wildcard sim/*.c scenarios/*.c \
	plots/*.c backends/*.c backends/sim/*.c))
obj = $(patsubst %.c,$(B)/%.o,$(1))

LIBS := -lcyaml -lyaml -lcsv -lgsl -lgslcblas -lm -ldl

all: $(B)/violin

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# The policy core: one relocatable object, linked once and whole into every
# program.  Its digest is what --version and every result name.
$(B)/core.o: $(call obj,$(CORE_SRC))
	$(call say,LD,$@)
	$(Q)$(LD) -r -o $@ $^

$(B)/digest.c: $(B)/core.o
	$(Q){ echo '#include "sim/digest.h"'; \
	  printf 'const char core_digest[] = "%s";\n' \
	  "$$(objcopy --strip-debug $< $@.tmp && sha256sum $@.tmp | cut -c1-64)"; \
	  rm -f $@.tmp; } > $@

$(B)/digest.o: $(B)/digest.c sim/digest.h
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(B)/libviolin.a: $(call obj,$(LIB_SRC)) $(B)/digest.o
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcsD $@ $^

$(B)/violin: $(B)/sim/violin.o $(B)/libviolin.a $(B)/core.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -rdynamic -o $@ $< \
	  $(B)/core.o $(B)/libviolin.a $(LIBS)

# --- tests: one program a file; tests/core link the core alone ---------------
$(B)/tests/core/%: $(B)/tests/core/%.o $(B)/core.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt -lpthread -lm

$(B)/tests/%: $(B)/tests/%.o $(B)/libviolin.a $(B)/core.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -rdynamic -o $@ $< $(B)/core.o \
	  $(B)/libviolin.a -lcheck -lsubunit -lrt -lpthread $(LIBS)

.PRECIOUS: $(B)/%.o $(B)/tests/%.o

-include $(shell find $(B) -name '*.d' 2>/dev/null)
