# What the core makes of the causes in nights and graphs (tests/night): two programs that print figures, and a test
# that holds them on small graphs and on the payment night.
CAUSES_PROGRAMS := $(addprefix $(O)/tests/detect/,causes roots causes_test)
$(CAUSES_PROGRAMS): $(O)/%: $(O)/%.o $(O)/tests/detect/blamed.o $(O)/night.o $(COORDINATOR_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(COORDINATOR_LIBS)
TESTS_causes += $(O)/tests/detect/causes_test
SUITES += causes
FAST_SUITES += causes
