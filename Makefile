# The project's front door. Every target installs what it needs by itself (scripts/bootstrap.sh, quick when nothing is missing).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CACHE := $(or $(STEELYARD_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/steelyard)
VENV := $(CACHE)/venv
PYTHON := $(VENV)/bin/python
BOOTSTRAP := scripts/bootstrap.sh
PRESET ?= release
DEMO_SECONDS ?=
FUZZ_SECONDS ?= 60
BENCH_FLAGS ?=

.PHONY: help
help:  ## show the targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: demo
demo:  ## a Django shop behind the balancer, live (DEMO_SECONDS=N ends it after N seconds)
	@$(BOOTSTRAP) build demo
	@$(MAKE) build
	@DEMO_SECONDS="$(DEMO_SECONDS)" $(PYTHON) examples/django/demo.py

.PHONY: build
build:  ## both programs, in build/release/bin (PRESET=debug and so on for another preset)
	@$(BOOTSTRAP) build
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build build/$(PRESET) --target steelyard-controller steelyard-sidecar steelyard-capture steelyard-vip

.PHONY: test
test:  ## everything: lint, unit, integration, demo, fuzz, and unit and integration under the sanitizers
	@$(BOOTSTRAP) build test lint demo e2e
	@$(PYTHON) scripts/test.py

.PHONY: charts
charts:  ## the helm chart: lint, schemas, refused values, unit tests, manifests
	@$(BOOTSTRAP) test
	@$(PYTHON) scripts/test.py charts

.PHONY: unit
unit:  ## unit tests and golden translations
	@$(BOOTSTRAP) build test
	@$(PYTHON) scripts/test.py unit

.PHONY: integration
integration:  ## against a real kube-apiserver and etcd
	@$(BOOTSTRAP) build test
	@$(PYTHON) scripts/test.py integration

.PHONY: e2e
e2e:  ## in a kind cluster of its own: install, inject, load, disturb, upgrade, uninstall
	@$(BOOTSTRAP) build test e2e
	@$(PYTHON) scripts/test.py e2e

.PHONY: asan
asan:  ## unit and integration tests under AddressSanitizer and UBSan
	@$(BOOTSTRAP) build test
	@$(PYTHON) scripts/test.py asan integration-asan

.PHONY: tsan
tsan:  ## unit and integration tests under ThreadSanitizer
	@$(BOOTSTRAP) build test
	@$(PYTHON) scripts/test.py tsan integration-tsan

.PHONY: fuzz
fuzz:  ## every fuzz target (or FUZZ_TARGETS=a,b) for FUZZ_SECONDS (60), or FUZZ_RUNS executions
	@$(BOOTSTRAP) build test
	@FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_RUNS=$(FUZZ_RUNS) FUZZ_TARGETS=$(FUZZ_TARGETS) $(PYTHON) scripts/test.py fuzz

.PHONY: bench
bench:  ## propagation, CPU beside other proxies, memory: tables and JSON (BENCH_FLAGS='--only kind')
	@$(BOOTSTRAP) build test bench $(if $(findstring kind,$(BENCH_FLAGS)),e2e)
	@cmake --preset release >/dev/null
	@cmake --build build/release --target steelyard-controller steelyard-sidecar steelyard-capture steelyard-vip steelyard-e2e bench_tools
	@$(PYTHON) bench/run.py $(BENCH_FLAGS)

.PHONY: lint
lint:  ## formatting, headers, scripts, clang-tidy
	@$(BOOTSTRAP) build lint test
	@$(PYTHON) scripts/test.py --tidy lint

.PHONY: format
format:  ## format the C++ files in place
	@$(BOOTSTRAP) lint
	@git ls-files -co --exclude-standard -- '*.cpp' '*.hpp' | xargs -r clang-format-14 -i

.PHONY: clean
clean:  ## remove what was built (the cache of tools stays: $(CACHE))
	@rm -rf build
