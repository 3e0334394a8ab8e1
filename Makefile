# pcapdig's commands. `make` alone lists them. Each installs what it needs first, and does nothing twice.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PROBE := $(wildcard probe/*.c probe/*.h)
# Directories are named too, so that a removed file also counts as a change. Built files in the tree do not.
SOURCES := $(shell find pcapdig probe -name __pycache__ -prune -o \( -type d -o -name '*.py' -o -name '*.py[ix]' \
	-o -name '*.pxd' -o -name meson.build -o -path 'probe/*' \) -print)

export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_ROOT_USER_ACTION = ignore
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: build-packages $(VENV)/installed ## install what is missing, compile, leave the command at .venv/bin/pcapdig

.PHONY: demo
demo: build ## record a small web server of its own on loopback, dig in it, leave demo.pcapng
	@.ci/system-packages demo
	@$(BIN)/python docs/demo/demo.py $(ARGS)

.PHONY: test
test: build ## all tests; the live ones need root (sudo make test); ARGS='-k spy_ip' goes to pytest
	@.ci/system-packages test
	@# Not `python -m pytest`, which would put the checkout before the installed package.
	@$(BIN)/pytest $(ARGS)

.PHONY: lint
lint: build ## check style, types and generated pages; changes nothing
	@.ci/system-packages lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	clang-format --dry-run -Werror $(PROBE)

.PHONY: fix
fix: build ## apply what lint can repair by itself
	@.ci/system-packages lint
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	clang-format -i $(PROBE)

.PHONY: fuzz
fuzz: build ## long fuzzing (docs/fuzzing.md); ARGS='http scan --seconds 600'; without ARGS the targets are listed
	@.ci/system-packages fuzz
	@$(BIN)/pip install --quiet --group fuzz
	@# Not from here, so that the checkout does not hide the installed package.
	@cd tests && $(CURDIR)/$(BIN)/python fuzz/fuzz.py $(ARGS)

.PHONY: bench
bench: build ## record beside tcpdump, dig beside cat, tcpdump and tshark; prints the tables
	@.ci/system-packages test bench
	@# From there, so that the checkout does not hide the installed package.
	@cd benchmarks && for benchmark in *.py; do $(CURDIR)/$(BIN)/python $$benchmark || exit 1; done

.PHONY: clean
clean: ## remove what build made
	rm -rf build $(VENV)

.PHONY: build-packages
build-packages:
	@.ci/system-packages build

$(VENV)/bin/python: | build-packages
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# pip older than 25.1 does not know dependency groups.
$(VENV)/tools: pyproject.toml | $(VENV)/bin/python
	@echo "Installing build and development tools into $(VENV)"
	@$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/pip install --quiet --group build --group dev
	@touch $@

# Not an editable installation: what is tested is what a user gets. Meson's directory stays, so that only what changed is
# compiled; one for each venv, since meson remembers the interpreter.
$(VENV)/installed: $(VENV)/tools $(SOURCES) meson.build LICENSE README.md
	@echo "Compiling pcapdig and installing it into $(VENV)"
	@# meson, ninja and cython are the venv's.
	@PATH="$(CURDIR)/$(BIN):$$PATH" pip install --quiet --no-build-isolation -Cbuilddir=build/meson .
	@touch $@
