# Billwright: `make demo` shows everything, `make up` runs it. `make help` lists the rest.
#
# Variables: PYTHON (3.11 or newer), SERVE=0 (demo ends after printing the bills), PORT, NOW (the
# demonstration's date), ARGS and PROCESSES (for pytest), SCALE (for the benchmarks).

VENV := .venv
PY := $(VENV)/bin/python
# The first that is new enough. Up to 3.13 first: for those a Valkey comes along.
PYTHON ?= $(shell for python in python3.12 python3.13 python3.11 python3 python3.14 python; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done)
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)

# Given servers are for one test process.
PROCESSES ?= $(if $(DATABASE_URL)$(REDIS_URL),,--numprocesses=auto --maxprocesses=4 \
	--dist=loadfile --no-loadscope-reorder)

SERVE ?= 1
export SERVE PORT NOW SCALE WALK
ifeq ($(PORT),)
unexport PORT
endif
ifeq ($(WALK),)
unexport WALK
endif

.DEFAULT_GOAL := help
.PHONY: help demo up test test-all bench lint lock stop clean venv install install-tests

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "make %-8s %s\n", $$1, $$2}'

demo: install ## Load a demonstration, bill it, print the bills, serve the console (SERVE=0: do not)
	@$(PY) -m config.embedded run -- $(PY) manage.py demo \
		$(if $(filter-out 0 no false,$(SERVE)),--serve) $(if $(NOW),--now "$(NOW)")

up: install ## Run web, worker and beat (and embedded servers) until Ctrl-C
	@exec $(PY) manage.py up

test: install-tests ## Run the tests on servers of their own (ARGS="-k bills")
	@$(PY) -m pytest $(PROCESSES) $(ARGS)

test-all: ## Run the tests with every value at every place of the walks, not a sample
	@$(MAKE) test WALK=all

bench: install-tests ## Measure the ratios of tests/benchmarks (SCALE=0.1 is quicker)
	@export BILLWRIGHT_HOME="$(CURDIR)/.billwright/bench"; \
	$(PY) -m config.embedded run -- $(PY) -m tests.benchmarks $(ARGS); status=$$?; \
	$(PY) -m config.embedded remove; exit $$status

lint: install-tests ## Check style and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

lock: ## Write the lock files anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-annotate \
		--quiet -o requirements.lock
	uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-annotate \
		--quiet --extra test -c requirements.lock -o tests/requirements.lock

stop: ## Stop everything that runs from this folder
	@test ! -x $(PY) || $(PY) -m config.supervisor stop

clean: stop ## Stop everything and delete the libraries and ALL data of the embedded servers
	@test ! -x $(PY) || $(PY) -m config.embedded remove
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

venv:
	@$(PY) -c '' 2>/dev/null || { \
		test -n "$(PYTHON)" || { \
			echo "Billwright needs Python 3.11 or newer: install it, or set PYTHON=/path/to/python." >&2; \
			exit 1; }; \
		echo "Making $(VENV) with $(PYTHON) ..."; \
		rm -rf $(VENV); \
		$(if $(UV),uv venv --quiet --python "$(PYTHON)" $(VENV),"$(PYTHON)" -m venv $(VENV)) || { \
			rm -rf $(VENV); \
			echo "No virtual environment could be made: install the package python3-venv, or uv." >&2; \
			exit 1; }; }

# A copy of the lock beside the libraries says what is installed.
define install_lock
	@cmp -s $(1) $(VENV)/$(2) || { \
		echo "Installing the libraries of $(1) ..."; \
		$(if $(UV),uv pip install --python $(PY),$(PY) -m pip install --disable-pip-version-check -q) \
			--require-hashes -r $(1) && cp $(1) $(VENV)/$(2); }
endef

install: venv
	$(call install_lock,requirements.lock,requirements.lock)

install-tests: install
	$(call install_lock,tests/requirements.lock,tests-requirements.lock)
