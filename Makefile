# hoplab: `make demo` and `make test` do everything on a fresh Debian 12 machine.

PREFIX ?= /usr/local
BUILD ?= build/release
JOBS ?= $(shell nproc)
# ccache cannot vouch for what a precompiled header leaves out of the compiler's command line.
export CCACHE_SLOPPINESS = pch_defines,time_macros
CMAKE = cmake -G Ninja $(shell command -v ccache >/dev/null 2>&1 && echo -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

.PHONY: all build deps test-deps test demo bench asan tsan fuzz format lint clang deb install clean

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
demo: deps
	@$(CMAKE) -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release --log-level=WARNING
	@cmake --build $(BUILD) -j $(JOBS) --target hoplab
	@$(BUILD)/hoplab demo

test: test-deps
	@./tests/run.sh

asan: test-deps
	@./tests/sanitize.sh address

tsan: test-deps
	@./tests/sanitize.sh thread

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
	@git ls-files '*.cc' '*.h' | xargs clang-format-16 -i

lint: build
	@./cmake/install_packages.sh build lint
	@./cmake/check_includes.sh
	@git ls-files '*.cc' '*.h' | xargs clang-format-16 --dry-run -Werror
	@git ls-files '*.cc' | xargs -P $(JOBS) -n 4 clang-tidy-16 --quiet -p $(BUILD)

# The same tree with Clang 16; warnings are errors there too.
clang: test-deps
	@./cmake/install_packages.sh build test lint
	@CXX=clang++-16 CC=clang-16 $(CMAKE) -S . -B build/clang -DCMAKE_BUILD_TYPE=Debug --log-level=WARNING
	@cmake --build build/clang -j $(JOBS)

deb: build
	@cd $(BUILD) && cpack -G DEB

install: build
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	rm -rf build dist
