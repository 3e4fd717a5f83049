# What people type; the build itself is CMake's (CMakePresets.json).
#   make          release build, programs in build/bin
#   make run      installs what is missing, builds, shows isolation at work (KEEP=1: leaves the engine up)
#   make test     everything that can run on this machine, ends with one line of counts
prefix ?= /usr
DESTDIR ?=
JOBS ?= $(shell nproc)

BIN = build/bin

.PHONY: all run test test-unit test-e2e test-vm bench build-tests build-asan install clean

all:
	cmake --preset release -DBULKHEAD_TESTS=OFF >/dev/null
	cmake --build build -j $(JOBS)

build-tests:
	cmake --preset release -DBULKHEAD_TESTS=ON >/dev/null
	cmake --build build -j $(JOBS)

build-asan:
	cmake --preset asan >/dev/null
	cmake --build build/asan -j $(JOBS)

run:
	scripts/bootstrap build run
	$(MAKE) all
	scripts/demo

test:
	scripts/bootstrap build run test
	$(MAKE) build-tests build-asan
	tests/run

test-unit: build-tests
	tests/run unit

test-e2e: all
	tests/run e2e

test-vm: all
	tests/vm/run

bench: build-tests
	tests/bench/run

# Programs that a build does not make (the list of optional ones) are left out. The id ranges are the
# host's, not a package's: with DESTDIR nothing outside it is written.
install:
	install -d $(DESTDIR)$(prefix)/bin
	for program in bulkhead bulkhead-keeper bulkhead-scope; do \
	  test ! -x $(BIN)/$$program || install -s -m 0755 $(BIN)/$$program $(DESTDIR)$(prefix)/bin/ || exit 1; \
	done
	install -d $(DESTDIR)$(prefix)/share/man/man8
	install -m 0644 man/*.8 $(DESTDIR)$(prefix)/share/man/man8/
	test -n "$(DESTDIR)" || $(BIN)/bulkhead ids add

clean:
	rm -rf build
