# SPDX-License-Identifier: MIT
#
# The front door. CMake and Ninja do the work; their presets are in CMakePresets.json.
#
#   make            build the command and the library (build/release)
#   make demo       see it work: two hosts on a simulated link, then a real curl
#   make check      every test and check, sanitized and optimised
#   make bench      the figures, beside other stacks in the same run (BENCH=--quick: in 50 seconds)
#   make bench-explain how often explain is right, over captures whose cause is known
#   make bench-path what arrives over paths that lose, reorder, delay and queue, beside Linux and lwIP
#   make docs       the generated parts of docs/, from what is built
#   make install    into PREFIX (/usr/local), below DESTDIR if set
#   make format     put the code in its form       make lint      clang-tidy and cppcheck
#   make coverage   which lines tests reach        make mutants   which changes tests notice
#   make clean      remove build/

PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
export CMAKE_BUILD_PARALLEL_LEVEL = $(JOBS)
# Under another make, its job server is no business of Ninja's.
unexport MAKEFLAGS MFLAGS

.PHONY: all build demo check bench bench-explain bench-path docs install format lint coverage mutants clean
.NOTPARALLEL:

all:
	@tools/install-deps --dry-run build
	@$(MAKE) --no-print-directory build

build:
	@cmake --preset release --log-level=WARNING >/dev/null
	@cmake --build --preset release --target product

demo:
	@tools/install-deps build
	@$(MAKE) --no-print-directory build
	@tools/demo

check:
	@tools/install-deps check
	cmake --preset debug
	cmake --preset release -DWAVEHAND_TESTS=ON -DWAVEHAND_BENCH=ON
	cmake --build --preset debug
	cmake --build --preset release
	@printf 'subdirs("debug" "release")\n' >build/CTestTestfile.cmake
	ctest --test-dir build --output-on-failure --no-tests=error -j $(JOBS)

bench:
	@tools/install-deps bench
	@cmake --preset release -DWAVEHAND_BENCH=ON --log-level=WARNING >/dev/null
	@cmake --build --preset release --target product bench
	@bench/run $(BENCH)

bench-explain:
	@tools/install-deps build
	@cmake --preset release -DWAVEHAND_BENCH=ON --log-level=WARNING >/dev/null
	@cmake --build --preset release --target product make_truth
	@bench/explain --set both $(BENCH)

bench-path:
	@tools/install-deps bench
	@cmake --preset release -DWAVEHAND_BENCH=ON --log-level=WARNING >/dev/null
	@cmake --build --preset release --target bench_path
	@bench/path/run $(BENCH)

docs:
	@tools/install-deps --dry-run check
	@cmake --preset release -DWAVEHAND_TESTS=ON --log-level=WARNING >/dev/null
	@cmake --build --preset release
	@tools/pages
	@tools/conformance build/release

install: all
	cmake --install build/release --prefix "$(PREFIX)"

format:
	@tools/install-deps --dry-run check
	@tools/check-style --fix

lint:
	@tools/install-deps --dry-run check
	@cmake --preset release --log-level=WARNING >/dev/null
	@tools/lint tidy build/release
	@tools/lint cppcheck build/release

coverage:
	@tools/install-deps --dry-run check
	@cmake --preset coverage --log-level=WARNING >/dev/null
	@cmake --build --preset coverage
	@tools/coverage build/coverage $(JOBS)

mutants:
	@tools/install-deps --dry-run check
	@tools/mutants/run -j $(JOBS)

clean:
	rm -rf build
