# Cost and scale: tests/bench. `make bench` prints each figure beside its bound.
# Programs of their own, which the bench runs.
BENCH_APART := swarm night fortnight audit
BENCH_SOURCES := $(filter-out $(BENCH_APART:%=tests/bench/%.c),$(wildcard tests/bench/*.c))
BENCH_PROGRAMS := $(O)/tests/bench/bench $(BENCH_APART:%=$(O)/tests/bench/%)

$(O)/tests/bench/cost_kernel.o: | $(O)/tests/bench/empty.skel.h
$(O)/tests/bench/bench: $(call objects,$(filter-out tests/bench/swarm_summary.c tests/bench/empty.bpf.c,$(BENCH_SOURCES))) $(AGENT_LIB) $(PROTO_LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(AGENT_LIBS) -ljansson -lm
$(O)/tests/bench/swarm: $(O)/tests/bench/swarm.o $(O)/tests/bench/swarm_summary.o $(PROTO_LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(PROTO_LIBS)
$(O)/tests/bench/night $(O)/tests/bench/fortnight: $(O)/%: $(O)/%.o $(O)/tests/bench/swarm_summary.o $(COORDINATOR_LIB) $(PROTO_LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(COORDINATOR_LIBS)

$(O)/tests/bench/audit: $(O)/tests/bench/audit.o $(COORDINATOR_LIB) $(PROTO_LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(COORDINATOR_LIBS)

bench: test-packages ## cost and scale, each figure beside its bound (BENCH="services agent ..." for some)
	@+$(MAKE) $(JOBS) --no-print-directory $(PROGRAMS) $(BENCH_PROGRAMS)
	@$(O)/tests/bench/bench --build $(O) $(BENCH)
.PHONY: bench
