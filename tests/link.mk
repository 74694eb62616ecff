# Tests of the link: conformance of the endpoint with other implementations, and hostile peers.
LINK_PROGRAMS := $(addprefix $(O)/tests/link/,echo acker certificates uplinker nng_client nng_server hostile)

$(addprefix $(O)/tests/link/,echo acker certificates): $(O)/%: $(O)/%.o $(COORDINATOR_LIB) $(PROTO_LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(COORDINATOR_LIBS)
$(O)/tests/link/uplinker: $(O)/%: $(O)/%.o $(AGENT_LIB) $(PROTO_LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(AGENT_LIBS)
$(addprefix $(O)/tests/link/,nng_client nng_server hostile): $(O)/%: $(O)/%.o
	$(CC) $(LDFLAGS) -o $@ $^ -lnng -lpthread

TEST_NEEDS += $(LINK_PROGRAMS)

link-test: ## only the tests of the link
	@+$(MAKE) --no-print-directory test SUITE=link
link-programs: $(LINK_PROGRAMS)

.PHONY: link-programs link-test
