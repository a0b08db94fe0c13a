# Everything a developer does here. `make` alone says what there is.

PYTHON ?= python3
PORT ?=
DEMO ?= on
MIX ?= default
ARGS ?=
PARTS ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
TESTS := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: help setup run test night check audit format screenshots chaos bench

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## makes the environment in .venv

run: $(READY) ## starts everything, with demo traffic; DEMO=off or DEMO=5 (a second), MIX=rough, PORT=8000
	@exec $(BIN)/python -m dev.run --demo $(DEMO) --mix $(MIX) $(if $(PORT),--port $(PORT))

test: $(READY) ## the tests that go with each change (night has the others too); ARGS="-k orders" for pytest
	@$(TESTS) -m "not night" $(ARGS)

night: $(READY) ## all tests, as each night: every journey in a browser, chaos, processes that are killed
	@$(TESTS) $(ARGS)

check: $(READY) ## lint, format, types, layers, and what bandit finds
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/bandit --quiet --configfile pyproject.toml --severity-level medium --recursive shopcallbacks migrations *.py

audit: $(READY) ## whether a pinned library is known to be vulnerable; needs the network
	@$(BIN)/python -m dev.audit

format: $(READY) ## puts the code into form
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

chaos: $(READY) ## everything dies over and over, within 10 minutes, judged from outside; ARGS="--callbacks 2000 --seconds 60"
	@$(BIN)/python -m dev.chaos $(ARGS)

bench: $(READY) ## speed as ratios, in one table; PARTS="ingest export" for some of it
	@$(BIN)/python -m bench $(PARTS)

screenshots: $(READY) ## pictures of the screens, beside a running make run
	@$(BIN)/python -m dev.screenshots

$(READY): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; say which: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Making the environment in $(VENV), once. This takes a minute or two."
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv is missing. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $(READY)
