# Shared Networks. `make run` and `make test` need Python 3.11 or newer, make, and nothing else.
PORT ?= 8000
VAR ?= var
DEMO ?= default
PYTHON ?= python3
SUITE ?= bookworm
export PORT VAR DEMO SUITE

BIN := .venv/bin

.PHONY: run test fuzz test-lab lab lab-full lab-image storm check count bench bench-pushes screenshots
run: .venv/run.stamp
	@exec $(BIN)/python manage.py up

test: .venv/dev.stamp
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Ten times as many requests as the tests send, and other ones every time: whatever the schema allows and
# does not, as each role, and whatever a URL can hold.
fuzz: .venv/dev.stamp
	@FUZZ=200 $(BIN)/python -m pytest tests/schema/test_schemathesis.py tests/schema/test_fuzz.py

# Real FRR, nftables, sshd and packets in a guest under QEMU; tests/lab/README.md says what it needs.
# SUITE=trixie: its firewalls and switches are Debian 13 instead of 12. LAB=short: half of the scenarios.
test-lab: .venv/dev.stamp
	@LAB=$(or $(LAB),1) $(BIN)/python -m pytest tests/lab

lab-full: .venv/dev.stamp
	@LAB=full $(BIN)/python -m pytest tests/lab

lab: .venv/dev.stamp
	@exec $(BIN)/python -m tests.lab

lab-image: .venv/dev.stamp
	@$(BIN)/python -m tests.lab.image

# Many programs, many people, and both, change three firewalls at once, against what `make run` starts.
storm: .venv/dev.stamp
	@$(BIN)/python -m tests.storm $(SECONDS) $(CLIENTS)

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/djade --target-version 5.2 --check $$(git ls-files 'templates/*.html')
	$(BIN)/python manage.py makemigrations --check --dry-run

# Every page in light and dark at three widths, as pictures in var/screenshots; ONLY=firewalls:detail: these alone.
screenshots: .venv/dev.stamp
	@$(BIN)/python -m tests.screenshots --demo default --only "$(ONLY)" --into $(abspath $(VAR))/screenshots
	@$(BIN)/python -m tests.screenshots --demo large --only "$(ONLY)" --into $(abspath $(VAR))/screenshots

# How plain the code is: lengths of functions and files, syntax a line.
count: .venv/dev.stamp
	@$(BIN)/python -m tests.counting

# BENCH=allocate: this one alone. AGAINST=FOLDER: in turns with another checkout, ROUNDS=3 times each.
bench: .venv/dev.stamp
	@$(BIN)/python -m tests.bench $(BENCH) $(if $(AGAINST),--against "$(AGAINST)") $(if $(ROUNDS),--rounds $(ROUNDS))
	@if [ -n "$(BENCH)$(AGAINST)" ]; then :; \
	  elif [ "$$(id -u)" = 0 ] && command -v sshd nft vtysh >/dev/null; then $(MAKE) --no-print-directory bench-pushes; \
	  else echo "pushes are not measured: that takes root, openssh-server, nftables and frr"; fi

# Pushes beside ansible-core and nornir, which are installed for this alone.
bench-pushes: .venv/dev.stamp
	@mkdir -p $(VAR)/bench
	@[ -x $(VAR)/bench/venv/bin/ansible-playbook ] || { $(PYTHON) -m venv $(VAR)/bench/venv && \
	  $(VAR)/bench/venv/bin/python -m pip install --quiet --disable-pip-version-check ansible-core nornir paramiko; }
	@BENCH_VENV=$(abspath $(VAR))/bench/venv $(BIN)/python -m tests.bench.pushes $(VAR)/bench/pushes

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
