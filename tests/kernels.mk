# The kernel matrix: what its machines carry.
KERNELS_HOOK := $(O)/tests/kernels/hook
$(KERNELS_HOOK): $(O)/tests/kernels/hook.o
	$(CC) $(LDFLAGS) -o $@ $^ -ljansson
TEST_NEEDS += $(KERNELS_HOOK)

kernels-test: ## only the kernel matrix
	@+$(MAKE) --no-print-directory test SUITE=kernels
.PHONY: kernels-test
