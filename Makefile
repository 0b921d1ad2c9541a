# Shared Networks. `make run` and `make test` need Python 3.11 or newer, make, and nothing else.
PORT ?= 8000
VAR ?= var
DEMO ?= default
PYTHON ?= python3
export PORT VAR DEMO

BIN := .venv/bin

.PHONY: run test check bench
run: .venv/run.stamp
	@exec $(BIN)/python manage.py up

test: .venv/dev.stamp
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/djade --target-version 5.2 --check $$(git ls-files 'templates/*.html')
	$(BIN)/python manage.py makemigrations --check --dry-run
	@if command -v shellcheck >/dev/null; then shellcheck firewalls/applier.sh; else echo "shellcheck missing: apt-get install shellcheck"; fi

bench: .venv/dev.stamp
	@$(BIN)/python manage.py bench

.venv/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Name another one: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "No venv module: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }
	@touch $@

.venv/run.stamp: requirements.txt | .venv/python.stamp
	@echo "Installing what it needs (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt .venv/run.stamp
	@echo "Installing what the tests need (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
