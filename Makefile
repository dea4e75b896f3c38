# Two commands on a bare machine (Python 3.11 or later, git, make): `make repro`, `make test`.
# Each sets up everything it needs, and does nothing for what is already done.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .stamps/installed
TESTED := .stamps/tested
SOURCES := $(shell git ls-files -co --exclude-standard)

define LINT
$(BIN)/ruff check .
$(BIN)/ruff format --check .
$(BIN)/mypy
$(BIN)/lint-imports
endef

export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true

.DEFAULT_GOAL := help
.PHONY: help repro check test fuzz mutants coverage ui lock lint suite

help: ## List what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 8

repro: $(INSTALLED) ## Run the default grid on the demo data and show the results
	@$(BIN)/dvc repro
	@$(BIN)/python -m pipeline summary

check: $(INSTALLED) ## Run lint, types and the tests that matter most (two minutes)
	$(LINT)
	$(BIN)/pytest -n auto -m "not slow"

test: $(TESTED) ## Run lint, types, architecture and all tests

fuzz: N ?= 1000
fuzz: SEED ?= 1
fuzz: $(INSTALLED) ## Mutate N recordings by a SEED, take them in and judge what comes of it
	@$(BIN)/python -m tests.fuzz --n $(N) --seed $(SEED)

mutants: N ?= 20
mutants: SEED ?= 1
mutants: IN ?= pipeline
mutants: $(INSTALLED) ## Break N lines of the code (IN a folder) by a SEED: which survive the tests?
	@$(BIN)/python -m tests.mutation --n $(N) --seed $(SEED) $(IN)

coverage: IN ?= tests
coverage: $(INSTALLED) ## Run tests (IN a folder) and list the files of least branch coverage; fails under 90 %
	@rm -rf .coverage && mkdir .coverage
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
	    $(BIN)/coverage run -m pytest -n auto --dist loadfile $(IN)
	@$(BIN)/coverage combine -q
	@$(BIN)/python -m tests.branches

ui: $(INSTALLED) ## Open MLflow on the runs of this checkout
	@$(BIN)/python -m pipeline ui

lint:  # beside the tests: mypy takes a minute of one core on a fresh checkout
	$(LINT)

suite:  # tests that run make know nothing of these jobs
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $(BIN)/pytest -n auto --dist loadfile

lock: $(INSTALLED) ## Make requirements.lock from pyproject.toml again
	$(BIN)/pip-compile -q --all-extras --strip-extras --allow-unsafe --no-annotate \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	    -o requirements.lock pyproject.toml
	sed -i 's/^\(torch==[0-9.]*\)+cpu/\1/' requirements.lock

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	    f"biospike needs Python 3.11 or later, this is {sys.version.split()[0]}")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing the pinned packages into .venv (a few minutes, once)"
	@$(BIN)/pip install -q --disable-pip-version-check -r requirements.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@mkdir -p $(@D) && touch $@

$(TESTED): $(INSTALLED) $(SOURCES)
	@$(MAKE) --no-print-directory -j2 lint suite
	@mkdir -p $(@D) && touch $@
