# Nightshift: `make help` lists the targets. Everything that is built goes under $(O). V=1 shows commands.

O ?= build
CC ?= gcc
CLANG ?= clang
BPFTOOL ?= bpftool
PREFIX ?= /usr/local
VERSION := 0.1.0
STATE ?= state
SANITIZE ?=

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wno-missing-field-initializers
CPPFLAGS += -I. -I$(O) -D_GNU_SOURCE -DNIGHTSHIFT_VERSION='"$(VERSION)"'
CFLAGS ?= -O2 -g
CFLAGS += -std=gnu11 $(WARNINGS) -fno-strict-aliasing $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer)
LDFLAGS += $(if $(SANITIZE),-fsanitize=$(SANITIZE))
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -D__BPF__ -D__TARGET_ARCH_x86 -Wall -Wno-missing-declarations

PROTO_SOURCES := $(wildcard proto/*.c)
AGENT_SOURCES := $(filter-out agent/main.c,$(wildcard agent/*.c))
COORDINATOR_SOURCES := $(filter-out coordinator/main.c,$(wildcard coordinator/*.c))
CLI_SOURCES := $(filter-out coordinator/cli/main.c,$(wildcard coordinator/cli/*.c))
BPF_SOURCES := $(wildcard bpf/*.bpf.c)
SKELETONS := $(BPF_SOURCES:%.bpf.c=$(O)/%.skel.h)
GENERATED := $(O)/proto/nightshift.pb-c.o

objects = $(patsubst %.c,$(O)/%.o,$(1))
PROTO_LIB := $(O)/libproto.a
AGENT_LIB := $(O)/libagent.a
COORDINATOR_LIB := $(O)/libcoordinator.a
CLI_LIB := $(O)/libcli.a

PROTO_LIBS := -lprotobuf-c -lyaml -lcrypto
AGENT_LIBS := $(PROTO_LIBS) -lbpf -lelf -lz -lnng -lssl -lcrypto -lyaml -ljansson -lcap -lseccomp -lpthread
COORDINATOR_LIBS := $(PROTO_LIBS) -lssl -lcrypto -lsqlite3 -lz -lyaml -ljansson -lmicrohttpd -lcurl -lm -lpthread
CLI_LIBS := $(PROTO_LIBS) -lnng -ljansson -lssl -lcrypto -lpthread

PROGRAMS := $(O)/nightshift-agent $(O)/nightshift-coordinator $(O)/nightshift

JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
export O
export PATH := $(PATH):/usr/sbin:/sbin
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
ifndef V
.SILENT:
endif
.SECONDARY:

build: $(PROGRAMS) ## build the three programs

$(O)/nightshift-agent: $(O)/agent/main.o $(AGENT_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ $(AGENT_LIBS)
$(O)/nightshift-coordinator: $(O)/coordinator/main.o $(COORDINATOR_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ $(COORDINATOR_LIBS)
$(O)/nightshift: $(O)/coordinator/cli/main.o $(CLI_LIB) $(COORDINATOR_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ $(CLI_LIBS) $(COORDINATOR_LIBS)

$(PROTO_LIB): $(call objects,$(PROTO_SOURCES)) $(GENERATED)
$(AGENT_LIB): $(call objects,$(AGENT_SOURCES)) $(O)/agent/action_table.o
$(COORDINATOR_LIB): $(call objects,$(COORDINATOR_SOURCES)) $(O)/coordinator/signature_library.o
$(CLI_LIB): $(call objects,$(CLI_SOURCES))
%.a:
	@rm -f $@
	echo "  archive  $@"
	ar rcs $@ $^

# What Debian calls the compilers and libraries that we need; asked for before anything is built.
PACKAGED := $(O)/packages.build
$(PACKAGED): tests/packages.build
	@tests/runner/packages $<
	@mkdir -p $(@D) && touch $@

$(call objects,agent/main.c $(AGENT_SOURCES) $(wildcard tests/bpf/*.c)): | $(SKELETONS)
$(O)/%.o: %.c | $(O)/proto/nightshift.pb-c.h $(PACKAGED)
	@mkdir -p $(@D)
	echo "  compile  $<"
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/proto/nightshift.pb-c.c $(O)/proto/nightshift.pb-c.h &: proto/nightshift.proto | $(PACKAGED)
	@mkdir -p $(O)/proto
	echo "  generate $@"
	protoc-c --c_out=$(O)/proto --proto_path=proto proto/nightshift.proto
$(O)/proto/nightshift.pb-c.o: $(O)/proto/nightshift.pb-c.c
	$(CC) $(CPPFLAGS) $(CFLAGS) -w -c -o $@ $<

# The signatures, as part of the coordinator; the folder is asked too, so that one that was removed goes.
SIGNATURES := $(sort $(wildcard coordinator/signatures/*.yaml))
$(O)/coordinator/signature_library.c: coordinator/signature_library.sh $(SIGNATURES) coordinator/signatures
	@mkdir -p $(@D)
	echo "  generate $@"
	coordinator/signature_library.sh $(SIGNATURES) >$@
$(O)/coordinator/signature_library.o: $(O)/coordinator/signature_library.c
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The actions: agent/action_NAME.c each has one `action_NAME`; the folder is asked too, so that one that was removed goes.
ACTIONS := $(sort $(wildcard agent/action_*.c))
$(O)/agent/action_table.c: $(ACTIONS) agent
	@mkdir -p $(@D)
	echo "  generate $@"
	{ echo '#include "agent/action.h"'; \
	  for a in $(patsubst agent/%.c,%,$(ACTIONS)); do echo "extern const struct action $$a;"; done; \
	  echo 'extern const struct action *const action_table[]; extern const size_t action_table_count;'; \
	  echo 'const struct action *const action_table[] = {'; \
	  for a in $(patsubst agent/%.c,%,$(ACTIONS)); do echo "        &$$a,"; done; \
	  echo '};'; echo 'const size_t action_table_count = sizeof(action_table) / sizeof(action_table[0]);'; } >$@
$(O)/agent/action_table.o: $(O)/agent/action_table.c
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/%.bpf.o: %.bpf.c | $(PACKAGED)
	@mkdir -p $(@D)
	echo "  compile  $< for the kernel"
	$(CLANG) $(BPF_CFLAGS) -I. -MMD -MP -MT $@ -c -o $@.full $<
	$(BPFTOOL) gen object $@ $@.full
$(O)/%.skel.h: $(O)/%.bpf.o
	$(BPFTOOL) gen skeleton $< name $(subst -,_,$(notdir $*))_bpf > $@

# Unit tests: tests/unit/ROOM/NAME_test.c stands on the library of its room.
UNIT_PROTO := $(patsubst %.c,$(O)/%,$(wildcard tests/unit/proto/*_test.c))
UNIT_AGENT := $(patsubst %.c,$(O)/%,$(wildcard tests/unit/agent/*_test.c))
UNIT_COORDINATOR := $(patsubst %.c,$(O)/%,$(wildcard tests/unit/coordinator/*_test.c))
UNIT_CLI := $(patsubst %.c,$(O)/%,$(wildcard tests/unit/cli/*_test.c))
$(UNIT_PROTO): $(O)/%: $(O)/%.o $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(PROTO_LIBS)
$(UNIT_AGENT): $(O)/%: $(O)/%.o $(AGENT_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(AGENT_LIBS)
$(UNIT_COORDINATOR): $(O)/%: $(O)/%.o $(COORDINATOR_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(COORDINATOR_LIBS)
$(UNIT_CLI): $(O)/%: $(O)/%.o $(CLI_LIB) $(COORDINATOR_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(CLI_LIBS) $(COORDINATOR_LIBS)
UNIT_TESTS := $(UNIT_PROTO) $(UNIT_AGENT) $(UNIT_COORDINATOR) $(UNIT_CLI)

unit: $(UNIT_TESTS) ## run the unit tests only; no root needed
	@for t in $^; do CMOCKA_MESSAGE_OUTPUT=TAP $$t > $$t.tap 2>$$t.log || { cat $$t.tap $$t.log; exit 1; }; done; echo "unit tests passed: $(words $^) programs"

run: $(PROGRAMS) ## coordinator, agent and the live graph of this machine; Ctrl-C ends them
	@coordinator/run.sh $(O) $(STATE)

# All tests are programs that print TAP: `tests/SUITE/NAME.t`, or what a tests/*.mk builds and adds to
# TESTS_SUITE. What such scripts need built goes to TEST_NEEDS. The environment tells them $(O), and
# FAST=1 where three minutes must do. tests/runner/exec says more.
SUITES := runner real unit sim fuzz sanitize bpf link exact hard kernels system
FAST_SUITES := runner real unit sim fuzz bpf link
TESTS_unit := $(UNIT_TESTS)
TEST_NEEDS := $(PROGRAMS)

-include $(wildcard tests/*.mk)

SUITE ?= $(if $(FAST),$(FAST_SUITES),$(SUITES))
TESTS = $(foreach s,$(SUITE),$(TESTS_$(s)) $(sort $(wildcard tests/$(s)/*.t)))

test: test-packages ## run all tests through prove (FAST=1: within three minutes; SUITE="unit bpf": only those)
	@+$(MAKE) $(JOBS) --no-print-directory SUITE='$(SUITE)' test-programs
	@FAST=$(FAST) tests/runner/run $(TESTS)
# valgrind runs what the units and the simulation built
NEEDS_sanitize = $(TESTS_unit) $(TESTS_sim)
test-programs: $(TEST_NEEDS) $(foreach s,$(SUITE),$(TESTS_$(s)) $(NEEDS_$(s)))
test-packages:
	@tests/runner/packages tests/packages.build tests/packages

# Manual pages are NAME.SECTION in the room of their program. Units name the installed programs.
MANUALS := $(wildcard agent/*.[1-8] coordinator/*.[1-8] coordinator/cli/*.[1-8])
UNITS := agent/nightshift-agent.service coordinator/nightshift-coordinator.service
SHARE := $(DESTDIR)$(PREFIX)/share
# Each begins with the name of its shell.
COMPLETIONS := bash-completion/completions/nightshift zsh/site-functions/_nightshift fish/vendor_completions.d/nightshift.fish
INSTALLED = $(DESTDIR)$(PREFIX)/sbin/nightshift-agent $(DESTDIR)$(PREFIX)/sbin/nightshift-coordinator \
	$(DESTDIR)$(PREFIX)/bin/nightshift \
	$(addprefix $(DESTDIR)$(PREFIX)/lib/systemd/system/,$(notdir $(UNITS))) \
	$(DESTDIR)$(PREFIX)/lib/sysusers.d/nightshift.conf \
	$(foreach m,$(MANUALS),$(SHARE)/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m))) \
	$(addprefix $(SHARE)/nightshift/,$(SIGNATURES:coordinator/%=%)) \
	$(addprefix $(SHARE)/,$(COMPLETIONS))

install: build ## install programs, units, manual pages and completion (PREFIX, DESTDIR)
	install -D -m 755 $(O)/nightshift-agent $(DESTDIR)$(PREFIX)/sbin/nightshift-agent
	install -D -m 755 $(O)/nightshift-coordinator $(DESTDIR)$(PREFIX)/sbin/nightshift-coordinator
	install -D -m 755 $(O)/nightshift $(DESTDIR)$(PREFIX)/bin/nightshift
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	for u in $(UNITS); do sed 's,/usr/local/,$(PREFIX)/,' $$u >$(O)/unit && \
		install -m 644 $(O)/unit $(DESTDIR)$(PREFIX)/lib/systemd/system/$${u##*/} || exit 1; done; rm -f $(O)/unit
	install -D -m 644 coordinator/nightshift.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/nightshift.conf
	for m in $(MANUALS); do install -D -m 644 $$m $(SHARE)/man/man$${m##*.}/$${m##*/} || exit 1; done
	install -d $(SHARE)/nightshift/signatures
	install -m 644 $(SIGNATURES) $(SHARE)/nightshift/signatures
	for f in $(COMPLETIONS); do shell=$${f%%[-/]*}; $(O)/nightshift completion $$shell >$(O)/completion && \
		install -D -m 644 $(O)/completion $(SHARE)/$$f || exit 1; done; rm -f $(O)/completion
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" -eq 0 ] && command -v systemd-sysusers >/dev/null; then \
		systemd-sysusers $(PREFIX)/lib/sysusers.d/nightshift.conf; \
		[ ! -d /run/systemd/system ] || systemctl daemon-reload; fi

uninstall: ## remove what install put there; configuration and state stay
	rm -f $(INSTALLED)
	@rmdir $(SHARE)/nightshift/signatures $(SHARE)/nightshift 2>/dev/null || true
	@if [ -z "$(DESTDIR)" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi

check: $(O)/proto/nightshift.pb-c.h $(SKELETONS) ## layout, include directions, static analysis
	@tests/runner/packages tests/packages.check
	@tests/check/run

format: ## lay out all C as clang-format says
	clang-format -i $(shell git ls-files '*.c' '*.h')

clean: ## remove what was built
	rm -rf $(O)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 16

.PHONY: build run unit test test-programs test-packages install uninstall check format clean help

-include $(shell find $(O) -path $(O)/system -prune -o -type f -name '*.d' -print 2>/dev/null)
