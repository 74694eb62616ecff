# The core under simulation: tests/sim/NAME_test.c. SEEDS is how many worlds, SEED the first.
SIM_TESTS := $(patsubst %.c,$(O)/%,$(wildcard tests/sim/*_test.c))
# The executor's deciding half is what simulated hosts run.
SIM_AGENT := $(patsubst %.c,$(O)/%.o,$(wildcard agent/remedy_*.c))
SIM_PARTS := $(patsubst %.c,$(O)/%.o,$(filter-out %_test.c,$(wildcard tests/sim/*.c)))
TESTS_sim += $(SIM_TESTS)

$(SIM_TESTS): $(O)/%: $(O)/%.o $(SIM_PARTS) $(SIM_AGENT) $(COORDINATOR_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ $(COORDINATOR_LIBS)

sim-test: $(SIM_TESTS) ## only the simulation (SEEDS=2000, SEED=1)
	@for t in $^; do SEEDS=$(SEEDS) SEED=$(SEED) $$t || exit 1; done

.PHONY: sim-test
