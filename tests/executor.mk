# The executor: its deciding half under simulation (SEEDS, SEED), what each invariant's check is worth (mutants),
# and its actions on this host.
EXECUTOR_TESTS := $(patsubst %.c,$(O)/%,$(wildcard tests/executor/*_test.c))
TESTS_executor += $(EXECUTOR_TESTS)
SUITES += executor
FAST_SUITES += executor

$(EXECUTOR_TESTS): $(O)/%: $(O)/%.o $(AGENT_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(AGENT_LIBS)

executor-test: $(EXECUTOR_TESTS) ## only the executor's tests
	@+$(MAKE) --no-print-directory test SUITE=executor
.PHONY: executor-test
