# sifd: `make help` lists the targets.

VARIANT ?= release
B       := build/$(VARIANT)
VERSION := 0.1.0

CSTD     := -std=c11 -D_GNU_SOURCE
WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wdouble-promotion \
            -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2 \
            -Wnull-dereference -Wswitch-enum -Wno-format-truncation
ifdef WERROR
WARN     += -Werror
endif
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fPIE
OPT.release := -O2 -g -D_FORTIFY_SOURCE=2 $(HARDEN)
OPT.asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
OPT.tsan    := -O1 -g -fsanitize=thread

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
SCRIPT_TESTS := $(sort $(shell find tests -name 'test_*.sh' -o -name 'test_*.py'))
# Sanitizers multiply the time: under tsan the programs that have threads.
SANITIZED.asan := $(TESTS)
SANITIZED.tsan := $(filter $B/tests/race/% $B/tests/serve/% $B/tests/routes/% $B/tests/jobs/% $B/tests/http/% $B/tests/base/test_pipeline \
                  $B/tests/base/test_log $B/tests/base/test_parallel_for $B/tests/learn/test_train $B/tests/embed/test_fit $B/tests/embed/test_fit_bytes,$(TESTS))
SANITIZED := $(SANITIZED.$(VARIANT))
SANITIZER_OPTIONS := ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
                     TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:allocator_may_return_null=1
ALL_C := $(sort $(shell find src tests bench -name '*.[ch]'))
NPROC := $(shell nproc)
LISTEN ?= 127.0.0.1:8080
STATE ?= build/state
SUPPORT := $(patsubst %.c,$B/%.o,$(sort $(filter-out %/failing_mem.c,$(wildcard tests/support/*.c))))

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
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $B/libsifd.a $(LDLIBS) -lcmocka

# Its functions take the place of the library's src/base/mem.c.
$B/tests/embed/test_out_of_memory $B/tests/learn/test_out_of_memory: $B/tests/support/failing_mem.o

run: all  ## serve models/ on 127.0.0.1:8080 (LISTEN=, STATE=)
	@mkdir -p $(STATE)
	exec $B/sifd serve --models models --listen $(LISTEN) --state $(STATE)

tests: $(TESTS)  ## build every test program

test: all tests  ## run every test; the last line is "N passed, N failed"
	@scripts/run-tests $B $(TESTS) $(SCRIPT_TESTS)

asan tsan:  ## the tests under a sanitizer
	@$(MAKE) --no-print-directory VARIANT=$@ sanitized

sanitized: all tests
	@$(SANITIZER_OPTIONS) TEST_TIMEOUT=600 scripts/run-tests $B $(SANITIZED)

BENCH := $(patsubst %.c,$B/%,$(sort $(wildcard bench/*.c)))

$B/bench/%: $B/bench/%.o $B/libsifd.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

bench: all $(BENCH)  ## speed, compared with hardware limits and other programs; bench/run.py --help has more
	bench/run.py

lint:  ## layers, names in the docs, opening comments, formatting, each header by itself, static analysis
	scripts/check-layers
	scripts/check-docs
	scripts/check-comments
	clang-format --dry-run --Werror $(ALL_C)
	@for h in $$(find src -name '*.h'); do \
		$(CC) $(CSTD) -Isrc -Wall -Wextra -Werror -fsyntax-only -x c $$h || exit 1; done
	cppcheck --quiet --std=c11 --error-exitcode=1 --enable=warning,performance,portability \
		--inline-suppr --suppress=missingIncludeSystem -j $(NPROC) -Isrc src
	@echo $(SRC) | tr ' ' '\n' | xargs -P $(NPROC) -n 1 sh -c '\
		case $$0 in *_avx512.c) f="-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mf16c";; \
		*_avx2.c) f="-mavx2 -mfma -mf16c";; *) f=;; esac; \
		clang-tidy --quiet $$0 -- $(CSTD) -Isrc -DSIFD_VERSION=\"$(VERSION)\" $$f 2>/dev/null || exit 1'

install: all  ## install to DESTDIR/PREFIX (/usr/local)
	install -D -m 755 $B/sifd $(DESTDIR)$(PREFIX)/bin/sifd
	install -d $(DESTDIR)$(PREFIX)/share/sifd/models
	install -m 644 models/* $(DESTDIR)$(PREFIX)/share/sifd/models/

clean:  ## remove everything built
	rm -rf build

help:  ## this list
	@awk -F':.*## ' '/^[a-z ]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

PREFIX  ?= /usr/local

.PHONY: all run tests test asan tsan sanitized bench lint install clean help
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
