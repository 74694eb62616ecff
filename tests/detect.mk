# What the detectors make of nights (tests/night).
$(O)/tests/detect/battery: $(O)/tests/detect/battery.o $(O)/tests/detect/judged.o $(O)/night.o $(COORDINATOR_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ $(COORDINATOR_LIBS)
$(O)/tests/detect/causes: $(O)/tests/detect/causes.o $(O)/night.o $(COORDINATOR_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ $(COORDINATOR_LIBS)
$(O)/tests/detect/roots: $(O)/tests/detect/roots.o $(O)/night.o $(COORDINATOR_LIB) $(PROTO_LIB)
	echo "  link     $@"
	$(CC) $(LDFLAGS) -o $@ $^ $(COORDINATOR_LIBS)
