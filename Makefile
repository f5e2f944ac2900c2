# One command for everything. A fresh machine needs only Python 3.11 or newer, make and git.

SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
ARGS ?=
PYTEST_ARGS ?=

.PHONY: help setup demo test check lint types imports fix bench soak fuzz screenshots pages lock wheel clean

help: ## say what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## everything needed to develop: .venv with pinned, hashed packages; system packages where possible
	@tools/system-packages browser
	@tools/setup dev

demo: ## a running ledger with sample enterprises, drums and alerts, in one command (ARGS="--help" says more)
	@tools/system-packages
	@tools/setup run
	@$(BIN)/chemtrace demo $(ARGS)

test: setup ## all tests on both cores (PYTEST_ARGS="tests/unit -k code" for some)
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

check: lint types imports test ## what must pass before a change lands: style, types, imports, tests

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup
	@$(BIN)/mypy chemtrace scanners

imports: setup
	@$(BIN)/lint-imports

fix: setup ## format, and mend what the linter can mend
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

bench: setup ## all benchmarks, each as ratios taken in one run (ARGS=NAME for one)
	@set -e; for file in benchmarks/$(if $(ARGS),$(ARGS),[a-z]*).py; do \
	  name=$$(basename $$file .py); \
	  echo "== $$name"; $(BIN)/python -m benchmarks.$$name; done

soak: setup ## a long run under load with kills in between, then an audit
	@$(BIN)/python -m pytest tests/soak --timeout=0 -s $(ARGS)

fuzz: setup ## every parser under a fuzzer driven by coverage (ARGS="60 cbor" for seconds each, and which)
	@tools/fuzz $(ARGS)

screenshots: setup ## pictures of every page on a phone and a desk, into docs/images
	@$(BIN)/python tools/screenshots.py $(ARGS)

pages: setup ## write the generated reference pages anew (errors, command line, HTTP API)
	@$(BIN)/python -m tools.errors_page
	@$(BIN)/python -m tools.cli_page
	@$(BIN)/python -m tools.api_pages

lock: setup ## write requirements/*.txt anew (ARGS=--upgrade takes newer releases)
	@tools/lock $(ARGS)

wheel: setup ## build the wheel into dist/
	@$(BIN)/python -m build --wheel --no-isolation

clean: ## remove caches, builds and demo data; keeps .venv
	@rm -rf dist build .demo demo-data .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -path ./.venv -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
