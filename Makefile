# `make report` and `make test` need Python 3.11+ with pip, and make. All else lands in .venv/.

PYTHON ?= python3
CASE ?= mercor
TESTS ?= tests
LAB ?=
BENCH ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install -qq --no-compile
# Compiled afterwards on all cores: half the time that pip takes one file after the other.
# A package's own tests are never imported, and some hold code that is broken on purpose.
COMPILE := $(BIN)/python -m compileall -q -q -j 0 -x '/tests?/' $(VENV)/lib

# An empty file in .venv/ marks each finished step; a step is done again when what it read changed.
INSTALLER := $(VENV)/.installer
RUNTIME := $(VENV)/.runtime
PROJECT := $(VENV)/.project
DEV := $(VENV)/.dev
PEERS := $(VENV)-peers/.done
MUTANTS := $(VENV)-mutants/.done

.PHONY: help setup report test lint bench bench-long mutants lab lock clean

help:
	@echo "make report   all pages of a case and its scenarios compared (CASE=$(CASE))"
	@echo "make test     all tests, two at a time (TESTS=$(TESTS))"
	@echo "make lint     ruff, mypy, notebooks without outputs"
	@echo "make bench    the kit beside its peers (BENCH=--write puts the table into docs/benchmarks.md)"
	@echo "make bench-long   1,000 kills of a batch and 10,000 random markings (two to three hours)"
	@echo "make mutants  small faults put into the engine and the answers: how many a test finds (30 minutes)"
	@echo "make lab      the notebooks in JupyterLab (LAB=\"--no-browser\" and other options)"
	@echo "make setup    .venv/ alone; the others call it"
	@echo "make lock     the locks again, after a change of pyproject.toml (UPGRADE=--upgrade)"
	@echo "make clean    removes .venv/ and caches"

setup: $(PROJECT)

report: setup
	@$(BIN)/impact report $(CASE) --scenario all --jobs 2 >/dev/null
	@$(BIN)/impact report $(CASE) --notebook all --jobs 2

# By file, so that what a file sets up is set up once; in the order of tests/conftest.py.
test: $(DEV)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(TESTS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	find notebooks -name '*.ipynb' -not -path '*/.ipynb_checkpoints/*' \
	  -exec $(BIN)/nbstripout --verify --keep-id {} +

# The peers have an environment of their own: .venv-peers/.
bench: $(DEV) $(PEERS)
	PYTHONPATH=tests $(BIN)/python bench/bench.py $(VENV)-peers/bin/python $(BENCH)

bench-long: $(DEV)
	KILLS=1000 CANARIES=10000 $(BIN)/python -m pytest -s \
	  tests/reports/test_kills.py tests/reports/test_canary.py

# What makes the faults has an environment of its own; MINUTES and SEED say how many and which.
MINUTES ?= 30
SEED ?= 1
mutants: $(DEV) $(MUTANTS)
	$(VENV)-mutants/bin/python bench/mutants.py $(BIN)/python $(MINUTES) $(SEED)

lab: setup
	$(BIN)/jupyter lab $(LAB) notebooks

# venv without pip, then the host's pip from outside: works where ensurepip is a package of its
# own (Debian) and saves unpacking a pip that is replaced at once. The locked pip installs twice as
# fast as the one that came with Python 3.11.
$(INSTALLER): requirements-build.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null || { \
	  echo "'$(PYTHON)' has no pip; install it (Debian: apt-get install python3-pip)" >&2; exit 1; }
	@echo "Setting up $(VENV)/ (once; under a minute with a warm package cache)"
	@$(PYTHON) -m venv --without-pip $(VENV)
	@$(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check \
	  install -qq --no-compile --require-hashes -r requirements-build.lock
	@touch $@

$(RUNTIME): requirements.lock $(INSTALLER)
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(COMPILE) || true
	@touch $@

# hatchling stands in requirements-build.lock, so that nothing unhashed is fetched here.
$(PROJECT): pyproject.toml $(RUNTIME)
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.lock $(PROJECT)
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

$(PEERS): bench/peers.lock $(INSTALLER)
	@$(PYTHON) -m venv --without-pip $(VENV)-peers
	@$(PIP) --python $(VENV)-peers/bin/python install -qq --require-hashes -r bench/peers.lock
	@touch $@

$(MUTANTS): bench/mutants.lock $(INSTALLER)
	@$(PYTHON) -m venv --without-pip $(VENV)-mutants
	@$(PIP) --python $(VENV)-mutants/bin/python install -qq --require-hashes -r bench/mutants.lock
	@touch $@

# uv resolves for every platform and Python at once, which pip cannot. It is fetched into a
# throw-away folder; UV=path uses one that is there. Pins stay unless UPGRADE=--upgrade.
UV ?=
UPGRADE ?=
COMPILE_LOCK = pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header --no-annotate $(UPGRADE)

lock:
	@set -e; uv="$(UV)"; \
	if [ -z "$$uv" ]; then \
	  folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	  $(PYTHON) -m venv --without-pip "$$folder"; \
	  $(PYTHON) -m pip --python "$$folder/bin/python" --disable-pip-version-check install --quiet uv; \
	  uv="$$folder/bin/uv"; \
	fi; \
	printf 'pip>=26\nhatchling>=1.27\n' | "$$uv" $(COMPILE_LOCK) - -o requirements-build.lock; \
	"$$uv" $(COMPILE_LOCK) pyproject.toml -o requirements.lock; \
	"$$uv" $(COMPILE_LOCK) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock; \
	"$$uv" $(COMPILE_LOCK) bench/peers.in -c requirements-dev.lock -o bench/peers.lock; \
	"$$uv" $(COMPILE_LOCK) bench/mutants.in -o bench/mutants.lock; \
	$(MAKE) --no-print-directory requirements.pins

# the pins of the lock without their hashes, for environment.yml
requirements.pins: requirements.lock
	@{ echo "# requirements.lock without its hashes, made by: make lock"; \
	   sed -n '/^[a-z0-9]/s/ \\$$//p' requirements.lock; } > $@

clean:
	rm -rf $(VENV) $(VENV)-peers $(VENV)-mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
