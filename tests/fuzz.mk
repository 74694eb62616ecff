# Fuzzing: each tests/fuzz/NAME.c is a target for libFuzzer, built with clang and its sanitizers on
# the libraries of all rooms; tests/fuzz/corpus/NAME holds what it starts from. FUZZ_SECONDS are
# shared among the targets; FUZZ_TARGETS names those to run.
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= $(sort $(basename $(notdir $(wildcard tests/fuzz/*.c))))
FUZZ_PROGRAMS := $(FUZZ_TARGETS:%=$(O)/tests/fuzz/%)
FUZZ_LIBS := $(sort $(COORDINATOR_LIBS) $(AGENT_LIBS))

fuzz: ## fuzz the decoders (FUZZ_SECONDS=600 in all, FUZZ_TARGETS="wire_request ...")
	@+$(MAKE) --no-print-directory O=$(O)/fuzz CC=$(CLANG) SANITIZE=fuzzer-no-link,address,undefined fuzz-programs
	@tests/fuzz/run $(O)/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)
fuzz-programs: $(FUZZ_PROGRAMS)

$(filter $(O)/tests/fuzz/agent_%,$(FUZZ_PROGRAMS)): $(O)/%: $(O)/%.o $(AGENT_LIB) $(PROTO_LIB)
	$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(FUZZ_LIBS)
$(filter-out $(O)/tests/fuzz/agent_%,$(FUZZ_PROGRAMS)): $(O)/%: $(O)/%.o $(COORDINATOR_LIB) $(AGENT_LIB) $(PROTO_LIB)
	$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(FUZZ_LIBS)

.PHONY: fuzz fuzz-programs
