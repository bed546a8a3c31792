# hoplab: `make demo` and `make test` do everything on a fresh Debian 12 machine.

PREFIX ?= /usr/local
BUILD ?= build/release
JOBS ?= $(shell nproc)
CMAKE = cmake -G Ninja $(shell command -v ccache >/dev/null 2>&1 && echo -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

.PHONY: all build deps test-deps test unit demo bench asan tsan fuzz format lint deb install clean

all: build

# Only asks for the administrator when a package is missing.
deps:
	@./cmake/install_packages.sh build

test-deps:
	@./cmake/install_packages.sh build test

build: deps
	@$(CMAKE) -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release >$(BUILD).log 2>&1 || { mkdir -p $(BUILD); $(CMAKE) -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release; }
	@cmake --build $(BUILD) -j $(JOBS)

test: test-deps
	@./tests/run.sh

asan: test-deps
	@./tests/sanitize.sh address

tsan: test-deps
	@./tests/sanitize.sh thread

format:
	@git ls-files '*.cc' '*.h' | xargs clang-format-16 -i

install: build
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	rm -rf build dist
