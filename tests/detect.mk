# What the detectors make of nights (tests/night): a suite over a fixed part of the even seeds, and `make detect` over all of
# them. NIGHT_FINAL=1 takes the odd half instead, which is kept for a run that is made once.
DETECT_TESTS := $(filter-out %/causes_test,$(patsubst %.c,$(O)/%,$(wildcard tests/detect/*_test.c)))
TESTS_detect += $(DETECT_TESTS)
SUITES += detect
DETECT_FIRST := $(if $(filter 1,$(NIGHT_FINAL)),1,2)
DETECT_VARIANTS ?= 250
DETECT_HEALTHY ?= 500

$(O)/tests/detect/battery $(DETECT_TESTS): $(O)/%: $(O)/%.o $(O)/tests/detect/judged.o $(O)/night.o $(COORDINATOR_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(COORDINATOR_LIBS)

detect: $(O)/tests/detect/battery ## what is found in all nights of the even half, as a table (NIGHT_FINAL=1: of the odd half)
	@$< payment $(DETECT_FIRST) 10 >$(O)/detect.payment
	@$< variant $(DETECT_FIRST) $(DETECT_VARIANTS) >$(O)/detect.variant
	@$< leak $(DETECT_FIRST) 40 >$(O)/detect.leak
	@$< healthy $(DETECT_FIRST) $(DETECT_HEALTHY) >$(O)/detect.healthy
	@tail -qn1 $(O)/detect.payment $(O)/detect.variant $(O)/detect.leak $(O)/detect.healthy
	@grep -hE 'WRONG|LATE|MISSED' $(O)/detect.payment $(O)/detect.variant $(O)/detect.leak $(O)/detect.healthy || true

.PHONY: detect
