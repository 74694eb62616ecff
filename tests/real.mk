# Recordings of real clients (tests/real): what moves their times.
STRETCH := $(O)/tests/real/stretch
TEST_NEEDS += $(STRETCH)
$(STRETCH): $(O)/%: $(O)/%.o $(COORDINATOR_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ $(COORDINATOR_LIBS)
