# Every target does its own set-up; nothing is needed but make and Python 3.11 to 3.13.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# The first interpreter that really runs, is in range and can make environments: version managers leave
# commands on the path that exist but do not start. `make setup PYTHON=/path/to/python` overrides it.
USABLE := import sys, venv, importlib.util as u; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) \
	or not (u.find_spec("ensurepip") or u.find_spec("pip")))
FIND_PYTHON = for name in python3.13 python3.12 python3.11 python3 python; do \
	if $$name -c '$(USABLE)' >/dev/null 2>&1; then echo $$name; break; fi; done
PYTHON = $(shell $(FIND_PYTHON))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test setup check format lint types docs slow bench clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMP)  ## train, evaluate and predict on real handwritten digits (runs/first_steps)
	$(BIN)/python demo/first_steps.py

test: $(STAMP)  ## run the tests
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

setup: $(STAMP)  ## make .venv with everything for development

$(STAMP): setup.py
	@python='$(PYTHON)'; if [ -z "$$python" ]; then \
		echo "Espalier needs Python 3.11, 3.12 or 3.13 with the venv module (on Debian: python3-venv)." >&2; \
		echo "None was found on the path. Name one: make setup PYTHON=/path/to/python" >&2; exit 1; fi; \
	echo "Making $(VENV) with $$python and installing TensorFlow and tools; this takes some minutes."; \
	"$$python" -m venv $(VENV) >/dev/null 2>&1 || { \
		"$$python" -m venv --without-pip $(VENV) && "$$python" -m pip --python $(BIN)/python install --quiet pip; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,docs]'
	@touch $@

check: lint types docs test  ## everything that CI checks

format: $(STAMP)  ## rewrite the sources in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(STAMP)  ## check format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMP)  ## check types
	$(BIN)/python -m mypy

docs: $(STAMP)  ## build the documentation in docs/_build/html; a warning is an error
	$(BIN)/python -m sphinx -q -W --keep-going -n -b html docs docs/_build/html

slow: $(STAMP)  ## run the slow tests
	$(BIN)/python -m pytest -m slow

bench: $(STAMP)  ## run the benchmarks; each prints one JSON object last
	for script in benchmark/*.py; do $(BIN)/python "$$script" || exit 1; done

clean:  ## remove the environment, caches and build outputs (runs/ stays)
	rm -rf $(VENV) build dist *.egg-info docs/_build docs/api/generated
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
