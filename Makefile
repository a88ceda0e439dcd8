# Everything builds .venv by itself, again only when the pins changed.
PYTHON ?= python3
DATA ?= ./data
PORT ?= 8008
BIN := .venv/bin
BENCH ?= policy

.PHONY: help venv up demo down test test-full test-deploy soak lint bench pins clean

help:             ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.venv/run.stamp: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "Belisha needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is $$($(PYTHON) --version). Name another: make PYTHON=python3.11 …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Python's venv module is missing. On Debian: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what Belisha runs with (once; takes a minute or two) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/belisha-checkout.pth"
	@touch $@

.venv/test.stamp: .venv/run.stamp requirements/test.txt
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	@touch $@

venv: .venv/test.stamp  ## Build .venv with everything, tests included

up: .venv/run.stamp     ## Run a community on this machine (DATA=./data PORT=8008)
	@$(BIN)/python -m belisha up --data "$(DATA)" --port "$(PORT)"

demo: .venv/run.stamp   ## Run a sample community (DATA=./data PORT=8008)
	@$(BIN)/python -m belisha demo --data "$(DATA)" --port "$(PORT)"

down: .venv/run.stamp   ## Stop what runs in DATA
	@$(BIN)/python -m belisha down --data "$(DATA)"
