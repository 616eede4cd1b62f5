# The two commands of the README: `make run` and `make test`. Everything else is for those who work on badorigin itself.
.PHONY: all run test test-asan test-tsan wheel format tidy clean packages packages-test build

all: packages build

packages:
	@cmake/install-packages build
packages-test:
	@cmake/install-packages test

build:
	@cmake --preset release --log-level=NOTICE >/dev/null
	@cmake --build --preset release

# The bundled suite against the bundled cache, judged from a capture.
run: packages build
	build/badorigin run scenarios

# All tests: unit, end to end on the bundled cache and on varnish, planted bugs, fuzzing for 30 s a target.
test: packages packages-test build
	@cmake --preset fuzz --log-level=NOTICE >/dev/null
	@cmake --build --preset fuzz --target fuzz_targets
	@tests/run build

test-asan test-tsan: test-%: packages packages-test
	@cmake --preset $* --log-level=NOTICE >/dev/null
	@cmake --build --preset $*
	@tests/run build-$*

# The Python package, for any venv of /usr/bin/python3: dist/badorigin-*.whl (docs/python.md).
wheel: packages
	@/usr/bin/python3 -m pip wheel . --no-build-isolation --no-deps --wheel-dir dist

format:
	clang-format-19 -i $$(git ls-files '*.cpp' '*.h')
tidy:
	clang-tidy-19 -p build --quiet $$(git ls-files '*.cpp' | grep -v '^fuzz/')

clean:
	rm -rf build build-* out dist
