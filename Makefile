# Everything builds .venv by itself, again only when the pins changed.
PYTHON ?= python3
DATA ?= ./data
PORT ?= 8008
PROMETHEUS ?=
BENCH ?= policy
FOR ?=
RELEASE ?= dist/belisha-release.tar
BIN := .venv/bin
# Compiled once, whatever the environment says: each process that a test starts would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=
COMPILE := $(BIN)/python -m compileall -q -j 0 -x /test_ belisha synapse_modules bots tests
# Three files of tests at once, since they wait much (four take longer on two cores); in memory where there is room, since tests write a lot and keep nothing.
SCRATCH := $(shell [ "$$(df --output=avail -k /dev/shm 2>/dev/null | tail -1)" -gt 6000000 ] 2>/dev/null && echo /dev/shm || echo /tmp)
PYTEST := $(COMPILE) && TMPDIR="$${TMPDIR:-$(SCRATCH)}" $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder
# What is installed is compiled when it is first imported, which most of it never is.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help venv up demo down test test-full test-nightly test-workers test-deploy release screenshots soak lint bench tables module pins clean

help:  ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/run.stamp: requirements/pip.txt requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Belisha needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is missing. On Debian, as root: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what Belisha runs with into .venv (once; a minute or two) …"
	@$(PIP) install --require-hashes -r requirements/pip.txt || echo "… with the pip that is there, which takes twice as long."
	@$(PIP) install --no-compile --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/test.stamp: .venv/run.stamp requirements/test.txt
	@echo "Installing what the tests need into .venv …"
	@$(PIP) install --no-compile --require-hashes -r requirements/test.txt
	@touch $@

venv: .venv/test.stamp  ## Build .venv with everything, tests included

up: .venv/run.stamp  ## Run a community on this machine (DATA=./data PORT=8008; PROMETHEUS=1 for a Prometheus too)
	@$(BIN)/belisha up --data "$(DATA)" --port "$(PORT)" $(if $(PROMETHEUS),--with-prometheus)

demo: .venv/run.stamp  ## Run a sample community (DATA=./data PORT=8008)
	@$(BIN)/belisha demo --data "$(DATA)" --port "$(PORT)" $(if $(PROMETHEUS),--with-prometheus)

down: .venv/run.stamp  ## Stop what runs in DATA
	@$(BIN)/belisha down --data "$(DATA)"

test: .venv/test.stamp  ## Test what a newcomer should see pass
	@tests/install-system-packages
	@$(PYTEST) -m "not full and not more" tests

test-full: .venv/test.stamp  ## The long tests, which `make test` leaves out
	@tests/install-system-packages full
	@if tests/can-boot-debian; then tests/install-system-packages container; export BELISHA_CONTAINER=part; fi; \
	  $(PYTEST) -m "(full or more) and not nightly" tests
	@$(PYTEST) --topology workers --brief -m "not full and not nightly" tests/synapse

test-nightly: .venv/test.stamp  ## All of what `make test-full` has a sample of; an hour
	@tests/install-system-packages nightly
	@$(PYTEST) -m nightly tests
	@$(PYTEST) --topology workers -m "not full" tests/synapse

test-workers: .venv/test.stamp  ## All tests of Synapse on several processes, with PostgreSQL and Redis
	@tests/install-system-packages
	@$(PYTEST) --topology workers -m "not full" tests/synapse

test-deploy: .venv/test.stamp  ## Install the built wheel, and run the playbook on a Debian that is booted for it (root)
	@tests/install-system-packages container
	@BELISHA_CONTAINER=all $(BIN)/python -m pytest tests/deploy

release: .venv/run.stamp  ## Pack what a server needs into dist/belisha-release.tar (FOR=3.13: for a Debian with that Python)
	@mkdir -p dist
	@requirements/release "$(or $(FOR),$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'))" "$(RELEASE)"

screenshots: .venv/test.stamp  ## Take the pictures of the portal and of Element's module in docs/screenshots anew
	@tests/install-system-packages
	@$(BIN)/python -m tests.portal.screenshots docs/screenshots
	@BELISHA_SCREENSHOTS=docs/screenshots $(BIN)/python -m pytest -q -k look tests/element/test_rooms_chromium.py tests/element/test_module_chromium.py

soak: .venv/test.stamp  ## The property tests, for many more examples
	@tests/install-system-packages
	@HYPOTHESIS_PROFILE=soak $(PYTEST) -m "not full" tests/unit tests/synapse
	@HYPOTHESIS_PROFILE=soak $(PYTEST) -k test_members_do_random_things tests/synapse/test_stateful.py

lint: .venv/test.stamp  ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: .venv/test.stamp  ## Run a benchmark (BENCH=policy)
	@$(BIN)/python -m bench $(BENCH)

tables: .venv/test.stamp  ## Write anew what is generated: tables of the docs, docs/commands.md, the messages to translate
	@$(BIN)/python -m tests.leaks.tables
	@$(BIN)/python -m tests.written.commands_page
	@$(BIN)/python -m tests.written.messages
	@$(BIN)/python -m tests.written.element_page
	@$(BIN)/python -m tests.written.element_labels
	@$(BIN)/python -m tests.written.dashboards

module:  ## Build Element's module and the editor of pads anew (needs Node)
	@cd element-config/module && npm ci --no-audit --no-fund --ignore-scripts && npm run build
	@cd pad-editor && npm ci --no-audit --no-fund --ignore-scripts && npm run build

pins:  ## Pin the dependencies anew (needs uv)
	@requirements/compile

clean:  ## Remove .venv and caches; data stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
