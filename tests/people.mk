# What tests/system/people.t needs built: a state folder with an open incident.
PEOPLE_INCIDENT := $(O)/tests/people/incident
TEST_NEEDS += $(PEOPLE_INCIDENT)
$(PEOPLE_INCIDENT): $(O)/%: $(O)/%.o $(COORDINATOR_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ $(COORDINATOR_LIBS)
