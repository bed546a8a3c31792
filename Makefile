# hoplab: `make demo` and `make test` do everything on a fresh Debian 12 machine.

PREFIX ?= /usr/local
BUILD ?= build/release
JOBS ?= $(shell nproc)
# ccache cannot vouch for what a precompiled header leaves out of the compiler's command line.
export CCACHE_SLOPPINESS = pch_defines,time_macros,include_file_mtime,include_file_ctime
CMAKE = cmake -G Ninja $(shell command -v ccache >/dev/null 2>&1 && echo -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

SOURCES = find cmd labs runtime store web tests -name '*.cc' -o -name '*.h'

.PHONY: all build deps test-deps test hoplab demo bench asan tsan fuzz format lint analyze clang clang-configured \
  deb install clean

all: build

# Only asks for the administrator when a package is missing.
deps:
	@./cmake/install_packages.sh build

test-deps:
	@./cmake/install_packages.sh build test

build: deps
	@$(CMAKE) -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release --log-level=WARNING
	@cmake --build $(BUILD) -j $(JOBS)

# The executable alone: the tests take longer to build than it does.
hoplab: deps
	@$(CMAKE) -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release --log-level=WARNING
	@cmake --build $(BUILD) -j $(JOBS) --target hoplab

demo: hoplab
	@$(BUILD)/hoplab demo

test: test-deps
	@./tests/run.sh

# Units, goldens and the fuzz targets' committed inputs; `make test` has asan in it.
asan: test-deps
	@./tests/build_sanitized.sh address
	@python3 -B tests/run_rings.py unit=build/address

tsan: test-deps
	@./tests/build_sanitized.sh thread
	@python3 -B tests/run_rings.py unit=build/thread

# Runs every fuzz target for FUZZ_SECONDS on its committed corpus.
FUZZ_SECONDS ?= 60
fuzz:
	@./cmake/install_packages.sh build test lint
	@./tests/fuzz/run.sh $(FUZZ_SECONDS)

bench:
	@./cmake/install_packages.sh build test bench
	@./tests/bench/run.sh

format:
	@./cmake/install_packages.sh lint
	@$(SOURCES) | xargs clang-format-16 -i

# clang-tidy reads the same groups of sources that GCC compiles as one (cmake/Unity.cmake): most of its
# time goes into the library headers, once for each group instead of once for each source.
lint:
	@./cmake/install_packages.sh build test lint
	@./cmake/check_includes.sh
	@$(SOURCES) | xargs clang-format-16 --dry-run -Werror
	@CXX=clang++-16 CC=clang-16 $(CMAKE) -S . -B build/tidy -DCMAKE_BUILD_TYPE=Debug -DHOPLAB_UNITY=ON \
	  --log-level=WARNING
	@cmake --build build/tidy -j $(JOBS) --target pause_program
	@sed -n 's/^ *"file": "\(.*\)",*$$/\1/p' build/tidy/compile_commands.json | sort -u \
	  | xargs -P $(JOBS) -n 1 clang-tidy-16 --quiet -p build/tidy

# Follows the paths through every function of the product. Clang does that for a main file only, hence
# source by source, and takes half an hour on two cores.
analyze: clang-configured
	@cmake --build build/clang -j $(JOBS) --target pause_program
	@$(SOURCES) | grep '\.cc$$' | grep -vE '^tests/|_test\.cc$$' \
	  | xargs -P $(JOBS) -n 1 clang-tidy-16 --quiet --checks='-*,clang-analyzer-*' -p build/clang

# The same tree with Clang 16, every source alone; warnings are errors there too.
clang: clang-configured
	@cmake --build build/clang -j $(JOBS)

clang-configured:
	@./cmake/install_packages.sh build test lint
	@CXX=clang++-16 CC=clang-16 $(CMAKE) -S . -B build/clang -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 \
	  --log-level=WARNING

deb: hoplab
	@./cmake/install_packages.sh build deb
	@mkdir -p dist && cd $(BUILD) && cpack -G DEB -B "$(CURDIR)/dist"

install: hoplab
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	rm -rf build dist
