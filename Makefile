# Everything a contributor needs, from nothing but git, make and Python 3.11 or later.
# Kept to what GNU make 3.81 understands, which is the one macOS ships.

PYTHON ?= python3
WORKERS ?= 4
CASES ?= 100000
ARGS ?=
TRIAL := bin/demo --database=sqlite:///trial.sqlite --snapshots=snapshots
FAST := not slow and not postgresql and not mariadb and not buckets

BIN := .venv/bin
STAMP := .venv/.installed
BENCH_STAMP := .venv/.bench
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet

.PHONY: help install demo fast test check dist fuzz bench format lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile
	@echo
	@echo "  PYTHON=python3.12 chooses the interpreter, ARGS='-k store' goes to pytest."

install: $(STAMP) ## set up .venv with the locked dependencies
	@echo "ready: $(BIN)/demo --help"

$(STAMP): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11 install" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  echo "making .venv"; $(PYTHON) -m venv --clear .venv; }
	@echo "installing the locked dependencies into .venv"
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## play the whole story on an embedded SQLite database
	@$(BIN)/python examples/story.py

# Every process of a run reads every test, and many start the command: what was compiled is kept, also
# where PYTHONDONTWRITEBYTECODE is set.
fast: $(STAMP) ## run what needs no server and is quick: unit, property, cli, SQLite
	@$(BIN)/python -m compileall -q src
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n auto --dist worksteal -m "$(FAST)" --hypothesis-profile=fast $(ARGS)

test: $(STAMP) ## run all tests, on SQLite and on real servers
	@$(BIN)/python -m compileall -q src
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: $(STAMP) ## check format, lint, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

dist: $(STAMP) ## build sdist and wheel, and try the wheel in an empty environment
	@rm -rf dist
	@$(BIN)/hatchling build -t sdist
	@# From the sdist, so that a file missing there is noticed.
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist dist/*.tar.gz
	@$(BIN)/python -m venv dist/trial
	@dist/trial/bin/python -m pip --disable-pip-version-check --no-input --quiet install dist/*.whl
	@cd dist/trial && bin/demo --version && \
	  $(TRIAL) migrate-fresh && $(TRIAL) seed-enhanced --scenario=general && $(TRIAL) export general
	@rm -rf dist/trial
	@ls dist

fuzz: $(STAMP) ## try 100,000 tampered files in SQL, 5,000 of each other kind (CASES=…, see docs/guarantees.md)
	@cd tests && ../$(BIN)/python -m safety.fuzz --cases $(CASES)
	@cd tests && ../$(BIN)/python -m safety.fuzz --cases 1000 --engine postgresql
	@cd tests && ../$(BIN)/python -m safety.fuzz --cases 1000 --engine mariadb
	@cd tests && for kind in json yaml hand golden backup; do \
	  ../$(BIN)/python -m safety.fuzz_forms $$kind --cases $$(($(CASES) / 20)) || exit 1; done
	@cd tests && for kind in json yaml hand; do for engine in postgresql mariadb; do \
	  ../$(BIN)/python -m safety.fuzz_forms $$kind --cases 200 --engine $$engine || exit 1; done; done
	@cd tests && ../$(BIN)/python -m safety.fuzz_deltas

bench: $(BENCH_STAMP) ## measure against pg_dump, psql and others (ARGS='--quick', see docs/benchmarks.md)
	@$(BIN)/python -m compileall -q src
	@$(BIN)/python -m benchmarks $(ARGS)

$(BENCH_STAMP): requirements/bench.lock $(STAMP)
	@$(PIP) install --require-hashes -r requirements/bench.lock
	@touch $@

format: $(STAMP) ## put the code into shape
	@$(BIN)/ruff check --quiet --fix --exit-zero .
	@$(BIN)/ruff format .

lock: $(STAMP) ## renew requirements/dev.lock (ARGS=--upgrade for newer versions)
	@test -x $(BIN)/uv || $(PIP) install uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group dev pyproject.toml \
	  -o requirements/dev.lock --generate-hashes --custom-compile-command "make lock" $(ARGS)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group bench \
	  -c requirements/dev.lock \
	  -o requirements/bench.lock --generate-hashes --custom-compile-command "make lock" $(ARGS)

clean: ## remove everything these targets made
	rm -rf .venv benchmarks/.venv benchmarks/results dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
