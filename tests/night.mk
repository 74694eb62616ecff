# The generators of nights (tests/night): one object for tests of the core, which shows only night_*() so that no other
# name of theirs meets one of the core's; and their own tests, tests/night/NAME_test.c, of which those of the parts
# stand on the parts.
NIGHT := $(O)/night.o
NIGHT_PARTS := $(call objects,$(filter-out %_test.c,$(wildcard tests/night/*.c)))
NIGHT_PART_TESTS := $(addprefix $(O)/tests/night/,random_test rhythm_test pool_test)
NIGHT_TESTS := $(filter-out $(NIGHT_PART_TESTS),$(patsubst %.c,$(O)/%,$(wildcard tests/night/*_test.c)))
TESTS_night += $(NIGHT_PART_TESTS) $(NIGHT_TESTS)
SUITES += night
FAST_SUITES += night

$(NIGHT): $(NIGHT_PARTS)
	ld -r -o $@ $^
	objcopy --wildcard --keep-global-symbol='night_*' $@
$(NIGHT_PART_TESTS): $(O)/%: $(O)/%.o $(NIGHT_PARTS) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(PROTO_LIBS) -lm
$(NIGHT_TESTS): $(O)/%: $(O)/%.o $(NIGHT) $(COORDINATOR_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(COORDINATOR_LIBS)

night-test: $(NIGHT_PART_TESTS) $(NIGHT_TESTS) ## only the tests of the generators of nights
	@for t in $^; do CMOCKA_MESSAGE_OUTPUT=TAP $$t || exit 1; done

.PHONY: night-test
