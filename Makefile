# SPDX-License-Identifier: Apache-2.0
# Everything is set up on first use: .venv (Python >= 3.10) and host_tests/node_modules (Node >= 18).

PYTHON ?= python3
DATA ?= ../shared/data
PYTEST ?=

VENV := .venv
BIN := $(VENV)/bin
VENV_STAMP := $(VENV)/.stamp
NODE_STAMP := host_tests/node_modules/.stamp

.DEFAULT_GOAL := help
.PHONY: deploy emulate help demo test test-board lint bench evaluate kernels sizes clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

demo: $(VENV_STAMP) ## run an emulated day of one site; leaves build/demo/report.html
	@$(BIN)/python -m tools.demo

test: lint $(NODE_STAMP) ## lint, then every test that needs no board
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST)

lint: $(VENV_STAMP) ## ruff, codespell, mypy
	@$(BIN)/ruff check .
	@$(BIN)/codespell
	@$(BIN)/mypy

bench: $(VENV_STAMP) ## speed and precision figures; leaves build/bench.json
	@$(BIN)/python -m tools.bench

evaluate: $(VENV_STAMP) ## score the data sets in DATA=FOLDER with the device's integers; leaves build/evaluate.json
	@test -d "$(DATA)" || { echo "make evaluate: no folder $(DATA); give one: make evaluate DATA=FOLDER" >&2; exit 2; }
	@mkdir -p build
	@$(BIN)/tocsin evaluate $(DATA) --json build/evaluate.json

kernels: $(VENV_STAMP) ## native kernels of each architecture, at most 8 KB each; leaves build/kernels
	@$(BIN)/python -m tools.kernels

sizes: $(VENV_STAMP) ## lines and .mpy bytes per device module and per template; leaves build/sizes.json
	@$(BIN)/python -m tools.sizes

deploy: $(VENV_STAMP) ## put firmware and library on a board: BOARD=rpi_pico_w PORT=/dev/ttyACM0 [ARGS='--model FILE']
	@test -n "$(BOARD)" -a -n "$(PORT)" || { echo "make deploy: say which board and where: make deploy BOARD=rpi_pico_w PORT=/dev/ttyACM0" >&2; exit 2; }
	@$(BIN)/tocsin deploy "$(BOARD)" "$(PORT)" $(ARGS)

test-board: $(VENV_STAMP) ## the suite on a board: PORT=/dev/ttyACM0, socket://HOST:PORT or emulated [BOARD=rpi_pico_w] [ARGS=--hour]
	@test -n "$(PORT)" || { echo "make test-board: say where the board is: make test-board PORT=/dev/ttyACM0, or PORT=emulated" >&2; exit 2; }
	@$(BIN)/python -m pytest host_tests/hil -v --port "$(PORT)" $(if $(BOARD),--board "$(BOARD)") $(ARGS)

emulate: $(VENV_STAMP) ## an emulated board with its console: BOARD=rpi_pico_w [PORT=N] [ARGS='options of deploy']
	@$(BIN)/python -m tools.emulator.emulate "$(or $(BOARD),rpi_pico_w)" $(if $(PORT),--port $(PORT)) -- $(ARGS)

clean: ## remove what was built (not .venv)
	@rm -rf build .pytest_cache .ruff_cache .mypy_cache
	@find . -name __pycache__ -not -path './.venv/*' -not -path '*/node_modules/*' -prune -exec rm -rf {} +

$(VENV_STAMP): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) not found; install Python 3.10 or newer, or give one: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "make: Python 3.10 or newer is needed, $(PYTHON) is `$(PYTHON) --version 2>&1`; give another: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: $(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@test ! -L $(VENV) || { echo "make: $(VENV) is a link and set-up would empty the folder behind it; remove the link, or touch $@ to keep using it" >&2; exit 1; }
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

$(NODE_STAMP): host_tests/package.json host_tests/package-lock.json
	@command -v node >/dev/null && command -v npm >/dev/null || { echo "make: node and npm not found; install Node 18 or newer" >&2; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' || { echo "make: Node 18 or newer is needed, this is `node --version`" >&2; exit 1; }
	@echo "setting up host_tests/node_modules"
	@npm ci --prefix host_tests --silent --no-audit --no-fund
	@touch $@
