# Two commands do everything on a fresh Debian 12 or later that has git and make: `make demo` and `make test`.
# `make help` lists the rest.

PREFIX ?= /usr/local
DESTDIR ?=

# Chooses the Node of this checkout and puts it first on PATH.
NODE = packaging/scripts/with-node.sh
# Tests in files that run at the same time, and the longest that one file may take, in milliseconds.
TEST_JOBS ?= 2
TEST_TIMEOUT ?= 600000
# How long `make crash`, `make fuzz` and `make soak` go on. SEED=n repeats the kills of a campaign that printed it.
KILLS ?= 500
FUZZ ?= 50
SEED ?=
RUNS ?= 100000
# Of `make deb`: amd64 or arm64; empty: the machine's own.
ARCH ?=

.DEFAULT_GOAL := build
.PHONY: help deps deps-test deps-package build compile check test test-system test-deb fresh-deb demo crash fuzz soak bench fmt install deb deb-reproducible clean
# The targets change the same folders (build/, dist/), one after another.
.NOTPARALLEL:

help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile

deps: ## installs what building takes and is missing: Debian packages, Node, npm packages
	@packaging/scripts/setup.sh build

deps-test: ## and what the tests take
	@packaging/scripts/setup.sh test

deps-package:
	@packaging/scripts/setup.sh package

build: deps ## makes the programs: dist/fate.js, fated.js, fates.js, and their helper fate-exec-*
	@echo '==> Building the programs into dist/'
	@$(NODE) node packaging/scripts/bundle.mjs

compile: deps-test
	@echo '==> Compiling sources, tests and benchmarks into build/'
	@rm -rf build
	@$(NODE) tsc -p tsconfig.json
	@$(NODE) node packaging/scripts/exec-helper.mjs build/src/native

check: deps ## checks types, style and format
	@echo '==> Checking types, style and format'
	@$(NODE) tsc -p tsconfig.json --noEmit
	@$(NODE) biome check --error-on-warnings .

test: deps-test check compile build fresh-deb ## runs every test
	@echo '==> Running every test'
	@find build/test -name '*.test.js' | sort >build/tests
	@test -s build/tests || { echo 'There are no tests in build/test' >&2; exit 1; }
	@xargs $(NODE) node --test --test-reporter=spec --test-concurrency=$(TEST_JOBS) --test-timeout=$(TEST_TIMEOUT) <build/tests

test-system: compile build ## the part of it that boots systemd (Debian 12 and 13) in containers, as root
	@echo '==> Running the tests on a booted systemd'
	@$(NODE) node --test --test-reporter=spec --test-concurrency=$(TEST_JOBS) --test-timeout=$(TEST_TIMEOUT) build/test/system/*.test.js

# The package of these sources, made where release/ has it not.
fresh-deb: deps-package build
	@$(NODE) test/deb/fresh-package.sh

test-deb: compile fresh-deb ## installs, upgrades and purges the package on booted Debian 12 and 13, as root: a quarter of an hour
	@echo '==> Trying the package on two releases of Debian'
	@FATE_LONG=1 $(NODE) node --test --test-reporter=spec --test-concurrency=$(TEST_JOBS) --test-timeout=7200000 build/test/deb/*.test.js

demo: build ## runs the examples in a private folder, .demo/, and shows what came of them
	@$(NODE) packaging/scripts/demo.sh

crash: compile ## kills a daemon KILLS times (500) under load and proves that nothing is lost, doubled or torn
	@echo '==> Killing a daemon under load $(KILLS) times'
	@KILLS='$(KILLS)' SEED='$(SEED)' $(NODE) node build/test/crash/main.js

fuzz: compile ## tries the random tests FUZZ times (50) as often as `make test` does
	@echo '==> Trying every property $(FUZZ) times as often'
	@grep -rl "from 'fast-check'" build/test --include='*.test.js' | sort >build/properties
	@FUZZ='$(FUZZ)' xargs $(NODE) node --test --test-reporter=spec --test-concurrency=$(TEST_JOBS) --test-timeout=7200000 <build/properties

soak: compile ## runs RUNS (100000) tiny tasks through one daemon and watches its memory, descriptors and folders
	@echo '==> Soaking a daemon with $(RUNS) runs'
	@RUNS='$(RUNS)' $(NODE) node build/test/soak/main.js

bench: compile build ## prints the figures of bench/
	@for file in bench/*.ts; do \
	  figure=$$(basename "$$file" .ts); [ "$$figure" = measure ] && continue; \
	  echo "==> $$figure"; $(NODE) node "build/bench/$$figure.js" || exit 1; \
	done

fmt: deps ## formats the sources
	@$(NODE) biome check --write .

# Builds only what is not there, so that `make && sudo make install` leaves no file of root's in the checkout.
install: ## installs below $(DESTDIR)$(PREFIX): lib/fate, bin, share/doc/fate
	@test -f dist/fate.js || $(MAKE) build
	@$(NODE) packaging/scripts/install.sh '$(DESTDIR)' '$(PREFIX)'

deb: deps-package build ## makes release/fate_*.deb for Debian 12 and later; ARCH=amd64 or arm64 for another architecture
	@$(NODE) packaging/scripts/deb.sh $(ARCH)

deb-reproducible: deps-package build ## makes the package twice, in two places that differ as machines do, and compares the bytes
	@$(NODE) packaging/scripts/deb.sh --twice $(ARCH)

clean: ## removes what was built, and the demo's folder
	rm -rf build dist .demo .deb release
