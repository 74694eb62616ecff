# Tests of the BPF objects: each is loaded, its events are made with real sockets, and what it counted
# is compared with what was made. They need root.
BPF_TESTS := $(patsubst %.c,$(O)/%,$(wildcard tests/bpf/*_test.c))
BPF_TEST_HELPERS := $(call objects,$(filter-out tests/bpf/edges.c %_test.c,$(wildcard tests/bpf/*.c)))

$(BPF_TESTS): $(O)/%: $(O)/%.o $(BPF_TEST_HELPERS) $(AGENT_LIB) $(PROTO_LIB)
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(AGENT_LIBS)
$(O)/tests/bpf/edges: $(O)/tests/bpf/edges.o $(AGENT_LIB) $(PROTO_LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(AGENT_LIBS)

TESTS_bpf += $(BPF_TESTS)
TEST_NEEDS += $(O)/tests/bpf/edges

bpf-test: $(BPF_TESTS) $(O)/tests/bpf/edges ## load each BPF object and trigger it; needs root
	@for t in $(BPF_TESTS); do echo "# $$t"; CMOCKA_MESSAGE_OUTPUT=TAP $$t || exit 1; done

.PHONY: bpf-test
