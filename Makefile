# SoftLAN's front door. Every target brings what it needs: packages, libraries, a build.
# The builds are meson's, in build/<tree>; their output is in build/<tree>.log.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := build
# The system's own python3, meson and ninja, whatever else is installed.
export PATH := /usr/sbin:/usr/bin:/sbin:/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE := 1
export ASAN_OPTIONS ?= abort_on_error=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS ?= abort_on_error=1:print_stacktrace=1

SEEDS ?= 1000
FUZZ ?=
FUZZ_SECONDS ?= 60
KEEP ?=
TREE ?= release
TARGETS ?=
OPTIONS ?=

sanitize := -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1
options_release := -Doptimization=3 -Ddebug=true
options_clang   := -Doptimization=2
options_asan    := $(sanitize) -Dsim_seeds=50
options_fuzz    := $(sanitize) -Dfuzzers=true
options_win     := $(options_release) --prefix=/ --cross-file build/mingw64.ini
tree_options    := --werror $(or $(options_$(TREE)),$(options_release)) $(OPTIONS)
tree_cc         := $(if $(filter clang asan fuzz,$(TREE)),clang,gcc)

.PHONY: help deps tree build demo test check asan fuzz sim faults bench bench-micro bench-smoke win win-check win-shots installer format lint clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | expand -t 13

deps: ## install packages, build libraries into the cache (for Windows too)
	@scripts/deps

build: ## release build (gcc) in build/release
	@$(MAKE) --no-print-directory tree TREE=release

demo: ## a whole LAN party in network namespaces (root); KEEP=1 leaves it up
	@scripts/deps build test demo
	$(MAKE) --no-print-directory tree TREE=release
	KEEP=$(KEEP) exec /usr/bin/python3 tests/netns/demo

test: ## quick: release build, unit tests, fuzz corpus, lint
	@scripts/deps build
	exec scripts/check gcc unit fuzz lint

check: ## everything; ends with "N passed, N failed"
	@if ! scripts/deps; then
		echo "0 passed, 1 failed" | tee "$${SOFTLAN_SUMMARY:-/dev/null}"
		exit 1
	fi
	exec scripts/check

asan: ## the tests under address and undefined behaviour sanitizers (clang)
	@scripts/deps build test
	exec scripts/check asan

fuzz: ## libFuzzer, FUZZ_SECONDS each; FUZZ=name for one
	@$(MAKE) --no-print-directory tree TREE=fuzz
	for exe in build/fuzz/fuzz/fuzz_$(or $(FUZZ),*); do
		[ -f "$$exe" ] && [ -x "$$exe" ] || continue
		name=$${exe##*/fuzz_}
		mkdir -p "build/fuzz/found/$$name"
		log=build/fuzz/found/$$name.log
		printf '[fuzz] %s: %s s ... ' "$$name" "$(FUZZ_SECONDS)"
		if "$$exe" -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 \
			-artifact_prefix="build/fuzz/found/$$name-" \
			"build/fuzz/found/$$name" "fuzz/corpus/$$name" >"$$log" 2>&1; then
			sed -n 's/^stat::number_of_executed_units: */inputs: /p' "$$log"
		else
			echo FAILED
			tail -n 40 "$$log"
			exit 1
		fi
	done

sim: ## parties on virtual time: SEEDS=n
	@$(MAKE) --no-print-directory tree TREE=release
	exec build/release/tests/sim/lp-sim --seeds $(SEEDS)

faults: ## plant one fault at a time: is each one caught?
	@scripts/deps build test
	exec tests/faults/run

bench: ## SoftLAN beside other tunnels (root, hours): BENCH="tcp idle" TUNNELS="softlan vxlan" ROUNDS=1 SECONDS=10
	@scripts/deps build bench
	$(MAKE) --no-print-directory tree TREE=release
	exec bench/run --bench "$(BENCH)" --tunnels "$(TUNNELS)" --rounds $(or $(ROUNDS),3) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(PUBLISH),--publish)

bench-micro: ## nanoseconds for a frame in each step of its path
	@$(MAKE) --no-print-directory tree TREE=release
	build/release/bench/lp-bench-micro
	mkdir -p build/bench
	build/release/bench/lp-bench-micro --json >build/bench/micro.json

bench-smoke: ## does the benchmark run? (root; no figure is judged)
	@scripts/deps build bench
	exec scripts/check gcc bench

win: ## the programs for Windows (mingw-w64), in build/win/stage, and their installer
	@$(MAKE) --no-print-directory tree TREE=win
	rm -rf build/win/stage
	meson install -C build/win --no-rebuild --quiet --strip --destdir "$$PWD/build/win/stage" >>build/win.log 2>&1
	find build/win/stage -name '*.exe' -printf '%9s  %p\n' | sort -k2
	version=$$(meson introspect --projectinfo build/win | sed 's/.*"version": "\([^"]*\)".*/\1/')
	packaging/windows/make-installer --version "$$version" --stage build/win/stage/bin \
		--icon build/win/src/apps/gui-win/softlan.ico --out build/win/softlan-setup.exe

installer: win ## build/win/softlan-setup.exe, with the driver of packaging/windows/driver when it is there

win-check: ## the tests of Windows' side under Wine
	@scripts/deps build test win
	exec scripts/check win

win-shots: ## pictures of the window in each state, in build/win/shots
	@scripts/deps build test win
	$(MAKE) --no-print-directory win
	exec tests/win/shots

format: ## put the sources into the project's format
	@scripts/deps build
	scripts/check --sources | xargs -r clang-format -i

lint: ## format, shell scripts, wiring of tests, clang-tidy
	@$(MAKE) --no-print-directory tree TREE=clang
	status=0
	for what in format shell wired tidy; do
		scripts/check --lint $$what || status=1
	done
	exit $$status

clean: ## remove build/ (not the cache of scripts/deps)
	@rm -rf build

# make tree TREE=name [OPTIONS="-Dfault=NAME"] [TARGETS="..."]: configure and compile build/<name>. A tree that was
# configured with other options, another compiler or another prefix is made anew; a meson.build more or less is seen.
tree:
	@mkdir -p build
	if [ "$(TREE)" = win ]; then
		scripts/deps win
		unset PKG_CONFIG_PATH
		libraries=$$(scripts/deps --prefix win)
	else
		scripts/deps build
		eval "$$(scripts/deps --env)"
		libraries=$$PKG_CONFIG_PATH
	fi
	export CC=$(tree_cc)
	dir=build/$(TREE) log=build/$(TREE).log
	exec 8>"build/.$(TREE).lock"
	flock 8
	[ "$(TREE)" != win ] ||
		sed "s|@ROOT@|$$PWD|; s|@PKG_CONFIG_LIBDIR@|$$libraries|" cross/mingw64.ini.in >build/mingw64.ini
	fail() {
		echo failed
		{ grep -q '^FAILED' "$$log" && sed -n '/^FAILED/,$$p' "$$log" | awk 'NR <= 60' || tail -n 15 "$$log"; } >&2
		echo "[build] $(TREE): failed, all of it is in $$log" >&2
		exit 1
	}
	how="$$CC $(tree_options) $$libraries"
	files=$$(find . -name meson.build -not -path './build/*' | sort)
	if [ ! -f "$$dir/build.ninja" ] || [ "$$how" != "$$(cat "$$dir/.how" 2>/dev/null)" ]; then
		rm -rf "$$dir"
		printf '[build] %s: configuring ... ' "$(TREE)"
		SECONDS=0
		meson setup "$$dir" $(tree_options) </dev/null >"$$log" 2>&1 || { rm -rf "$$dir"; fail; }
		echo "$$SECONDS s"
		echo "$$how" >"$$dir/.how"
		echo "$$files" >"$$dir/.files"
	elif [ "$$files" != "$$(cat "$$dir/.files" 2>/dev/null)" ]; then
		printf '[build] %s: configuring ... ' "$(TREE)"
		SECONDS=0
		meson setup --reconfigure "$$dir" </dev/null >"$$log" 2>&1 || fail
		echo "$$SECONDS s"
		echo "$$files" >"$$dir/.files"
	fi
	printf '[build] %s: compiling ... ' "$(TREE)"
	SECONDS=0
	ninja -C "$$dir" $(TARGETS) </dev/null >"$$log" 2>&1 || fail
	echo "$$SECONDS s"
