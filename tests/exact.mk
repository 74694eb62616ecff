# Exactness (tests/exact) and the hard cases (tests/hard): what their scripts need built.
GENERATOR := $(O)/tests/exact/generator
COMPARE := $(O)/tests/exact/compare
TEST_NEEDS += $(GENERATOR) $(COMPARE)

# Static, so that copies of it run in any root and start fast.
$(GENERATOR): $(patsubst %.c,$(O)/%.o,$(filter-out tests/exact/compare%,$(wildcard tests/exact/*.c)))
	$(CC) $(LDFLAGS) $(if $(SANITIZE),,-static) -o $@ $^
$(COMPARE): $(O)/tests/exact/compare.o $(O)/tests/exact/compare_server.o
	$(CC) $(LDFLAGS) -o $@ $^ -ljansson

# Programs of the hard cases. The 32-bit copy is skipped where no 32-bit compiler is installed.
URING := $(O)/tests/hard/uring
GENERATOR32 := $(O)/tests/exact/generator32
TEST_NEEDS += $(URING) $(GENERATOR32)
$(URING): $(O)/tests/hard/uring.o
	$(CC) $(LDFLAGS) -o $@ $^ -luring
$(GENERATOR32): $(filter-out tests/exact/compare%,$(wildcard tests/exact/*.c)) $(wildcard tests/exact/*.h)
	@mkdir -p $(@D)
	$(CC) -m32 -O2 -std=gnu11 -D_GNU_SOURCE -Wno-psabi -I. -static -o $@ $(filter %.c,$^) || rm -f $@

exact-test: ## only the tests of exactness
	@+$(MAKE) --no-print-directory test SUITE=exact
hard-test: ## only the hard cases
	@+$(MAKE) --no-print-directory test SUITE=hard
.PHONY: exact-test hard-test
