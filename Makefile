# make demo   train, test and compare a biased baseline and ALBAR on the embedded benchmark
# make test   run the tests
# make lint   check the style
#
# Each makes .venv when it is absent; a second call starts at once. Settings:
#   PYTHON=python3.12   the Python that .venv is made with (3.10 or newer)
#   PIP_ARGS=...        more options for pip, e.g. an index with CPU builds of PyTorch
#   PYTEST_ARGS=...     more options for pytest, e.g. tests/compat/test_mends.py
#   JOBS=2              tests run side by side (default: one a core, at most four; 0: none)

SHELL := /bin/bash
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3 python3.11 python3.12 python3.10 python)
JOBS ?= auto
IS_NEW := import sys; raise SystemExit(sys.version_info < (3, 10))
PIP := $(PY) -m pip install -qq --disable-pip-version-check $(PIP_ARGS) -c requirements/constraints.txt

.PHONY: help demo test lint
.DELETE_ON_ERROR:

help:
	@sed -n '/^#/!q;s/^# \{0,1\}//p' Makefile

demo: $(STAMP)
	@$(PY) tools/demo.py

test: $(STAMP)
	@$(PY) -m pytest -n $(JOBS) --maxprocesses=4 --dist=worksteal $(PYTEST_ARGS)

lint: $(STAMP)
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .

# PyTorch comes first and through the constraints: left to choose, pip takes the newest build,
# which on Linux is gigabytes of CUDA libraries. A full mmcv is never covered by mmcv-lite.
$(STAMP): setup.py pyproject.toml $(wildcard requirements/*.txt)
	@python=; for candidate in $(CANDIDATES); do \
	  if "$$candidate" -c '$(IS_NEW)' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ ! -x $(PY) ] && [ -z "$$python" ]; then \
	  echo "albar_mm needs Python 3.10 or newer (tried: $(CANDIDATES)): install one, or name it with make PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	set -e; \
	if [ ! -x $(PY) ]; then \
	  echo "[1/3] making $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv $(VENV); \
	fi
	@$(PY) -c '$(IS_NEW)' || { echo "$(VENV) holds a Python older than 3.10: remove $(VENV) and run make again" >&2; exit 1; }
	@echo "[2/3] installing PyTorch (this can take some minutes)"
	@$(PIP) torch
	@echo "[3/3] installing albar_mm and what it needs"
	@extras=lite,fast,dev; \
	if $(PY) -c 'import importlib.metadata as m; m.version("mmcv")' 2>/dev/null; then extras=fast,dev; fi; \
	$(PIP) -e ".[$$extras]"
	@touch $@
