# Everything a newcomer or CI needs; uv is used when it is there, pip otherwise.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
EXPORT := uv export --quiet --format requirements-txt --no-emit-project --no-header --no-annotate --group build

ifdef UV
INSTALL := uv pip install --quiet --python $(BIN)/python
else
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
endif

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test check lint unit format lock bench clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | column -t -s '|' 2>/dev/null || true

setup: $(VENV)/.ready ## install what running needs, from the hash-locked list
setup-dev: $(VENV)/.ready-dev ## install also what testing needs

demo: setup ## watch a model go stale on real data, and be kept fresh
	$(BIN)/evergreen demo

test: setup-dev lint ## lint, types, layers, then every test
	$(BIN)/python -m pytest -n 2

check: ## what CI does: the same, and a skipped test is a failure
	EVERGREEN_TEST_NO_SKIPS=1 $(MAKE) test

lint: setup-dev ## linter, formatter, types, layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup-dev ## the fast tests only
	$(BIN)/python -m pytest -n 2 -m 'not slow' tests/unit tests/architecture

format: setup-dev ## format, and fix what the linter can
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

lock: ## resolve anew and write both requirement lists (needs uv)
	@command -v uv >/dev/null || { echo 'error: "make lock" needs uv' >&2; echo 'hint: pip install uv' >&2; exit 1; }
	uv lock --quiet --upgrade
	$(EXPORT) --extra sklearn --output-file requirements.txt >/dev/null
	$(EXPORT) --all-extras --group dev --output-file requirements-dev.txt >/dev/null

bench: setup-dev ## the quick benchmarks; see benchmarks/README.md
	$(BIN)/python -m benchmarks.commit

clean: ## remove the environment and every cache
	rm -rf $(VENV) dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# A stamp is written last, so an installation that was cut short is taken up again.
$(VENV)/.ready: requirements.txt pyproject.toml | $(VENV)/.made
	$(INSTALL) --require-hashes -r requirements.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.ready-dev: requirements-dev.txt requirements.txt pyproject.toml | $(VENV)/.made
	$(INSTALL) --require-hashes -r requirements-dev.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $(VENV)/.ready $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than 3.11" >&2; echo "hint: make PYTHON=/path/to/python3.11" >&2; exit 1; }
ifdef UV
	test -x $(BIN)/python || uv venv --quiet --python $(PYTHON) $(VENV)
else
	test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
endif
	@touch $@
