# sifd: `make help` lists the targets.

VARIANT ?= release
B       := build/$(VARIANT)
VERSION := 0.1.0

CSTD     := -std=c11 -D_GNU_SOURCE
WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wdouble-promotion \
            -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2 \
            -Wnull-dereference -Wswitch-enum
ifdef WERROR
WARN     += -Werror
endif
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fPIE
OPT.release := -O2 -g -D_FORTIFY_SOURCE=2 $(HARDEN)
OPT.asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
OPT.tsan    := -O1 -g -fsanitize=thread
OPT.cov     := -O0 -g --coverage

# No contraction: where a fused multiply-add is meant it is written, so every build has the same bits.
CFLAGS  ?=
CFLAGS  += $(CSTD) $(WARN) $(OPT.$(VARIANT)) -ffp-contract=off -fno-math-errno -Isrc -MMD -MP \
           -DSIFD_VERSION='"$(VERSION)"'
LDFLAGS += $(OPT.$(VARIANT)) -pie -Wl,-z,relro,-z,now
LDLIBS  := -lmicrohttpd -ljansson -lopenblas -llapacke -licui18n -licuuc -lsqlite3 \
           -lnettle -lz -lzstd -llzma -lm -lpthread

SRC   := $(sort $(shell find src -name '*.c'))
OBJ   := $(patsubst %.c,$B/%.o,$(SRC))
LIB   := $(filter-out $B/src/main.o,$(OBJ))
TESTS := $(patsubst %.c,$B/%,$(sort $(shell find tests -name 'test_*.c' -o -name 'race_*.c')))
SUPPORT := $(patsubst %.c,$B/%.o,$(sort $(wildcard tests/support/*.c)))

all: $B/sifd  ## build the program: build/release/sifd

$B/sifd: $B/src/main.o $B/libsifd.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$B/libsifd.a: $(LIB)
	@rm -f $@
	$(AR) rcs $@ $^

$B/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

$B/src/math/%_avx2.o: CFLAGS += -mavx2 -mfma -mf16c
$B/src/math/%_avx512.o: CFLAGS += -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq
$B/tests/%.o: CFLAGS += -Itests

$B/tests/%: $B/tests/%.o $(SUPPORT) $B/libsifd.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

clean:  ## remove everything built
	rm -rf build

help:  ## this list
	@awk -F':.*## ' '/^[a-z ]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: all clean help
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
