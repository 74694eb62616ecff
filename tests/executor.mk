# The executor: its deciding half under simulation (SEEDS, SEED), what each invariant's check is worth (mutants),
# and its actions on this host.
EXECUTOR_TESTS := $(patsubst %.c,$(O)/%,$(wildcard tests/executor/*_test.c))
TESTS_executor += $(EXECUTOR_TESTS)
SUITES += executor
FAST_SUITES += executor

$(EXECUTOR_TESTS): $(O)/%: $(O)/%.o $(AGENT_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(AGENT_LIBS)

EXECUTOR_DRIVER := $(O)/tests/executor/driver
EXECUTOR_KILLER := $(O)/tests/executor/killer.so
EXECUTOR_DISPATCHER := $(O)/tests/executor/dispatcher
TEST_NEEDS += $(EXECUTOR_DRIVER) $(EXECUTOR_KILLER) $(EXECUTOR_DISPATCHER)
$(EXECUTOR_DISPATCHER): $(O)/%: $(O)/%.o $(COORDINATOR_LIB) $(PROTO_LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(COORDINATOR_LIBS)
$(EXECUTOR_DRIVER): $(O)/%: $(O)/%.o $(AGENT_LIB) $(PROTO_LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(AGENT_LIBS)
$(EXECUTOR_KILLER): tests/executor/killer.c
	@mkdir -p $(@D)
	$(CC) -O2 -std=gnu11 -D_GNU_SOURCE -Wall -shared -fPIC -o $@ $<

executor-test: $(EXECUTOR_TESTS) ## only the executor's tests
	@+$(MAKE) --no-print-directory test SUITE=executor
.PHONY: executor-test
