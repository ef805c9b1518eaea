# bayesbeam: `make run` makes the report, `make test` tests the installation, `make help` lists the rest.
#
# Everything is called as `.venv/bin/python -m ...` by relative path, so a folder with spaces works.

CAMPAIGN ?= first_look
CORES ?= all
# Where jobs run: local, slurm, or a folder with a config.yaml of Snakemake; see docs/cluster.md.
PROFILE ?= local
TESTS ?=
NAME ?=
# What `make bench` measures and how; see bench/README.md.
BENCH ?= all --write
PEERS_PYTHON ?= $(PY)
export CAMPAIGN CORES PROFILE NAME

PY := .venv/bin/python
# For `make test-gpu` on a machine without the workflow: a Python with PyTorch, Triton, SciPy and pytest is enough.
GPU_PYTHON ?= $(PY)
PYTEST := $(PY) -m pytest
# Two test processes: one is quicker only on a machine with a single core.
PARALLEL := -n 2
CODE := workflow scripts tests bench config

.DEFAULT_GOAL := help
.PHONY: help run plan verify watch figures page test check nightly test-gpu bench format setup clean
.NOTPARALLEL:

help:
	@echo "make run                    analyse the default campaign (first_look) and say where the report is"
	@echo "make run CAMPAIGN=name      another campaign: a name in config/campaigns/ or a folder; CORES=n limits the cores"
	@echo "make plan CAMPAIGN=name     measure for a minute, then say how many jobs, hours, how much memory and disk a run takes"
	@echo "make watch CAMPAIGN=name    run it again whenever files have landed, and keep a live page, until Ctrl-C"
	@echo "make run PROFILE=slurm      with jobs on a cluster (docs/cluster.md)"
	@echo "make verify                 check the sha256 of all results of a campaign, and make anew what is damaged"
	@echo "make figures CAMPAIGN=nagata2012  run it, then draw the figures for a paper with our numbers beside known ones"
	@echo "make page CAMPAIGN=name NAME=id   the page of one measurement, or of several (NAME='a b'), of a large campaign"
	@echo "make test                   run the tests (TESTS='tests/unit -k prior' chooses)"
	@echo "make check                  format, lint, types, import contracts, rules, generated files"
	@echo "make nightly                all tests, the long ones included"
	@echo "make test-gpu               the tests that need a CUDA device (GPU_PYTHON=python3: one that has PyTorch and pytest)"
	@echo "make bench                  compare cost and error with other samplers, hours (BENCH='rows' chooses; bench/README.md)"
	@echo "make format                 put the code into the checked format"
	@echo "make clean                  remove .venv and caches; results/ stays"
	@echo "Each sets up .venv on first use (PYTHON=/path/to/python chooses the Python)."

setup:
	@sh scripts/setup.sh

run: setup
	@$(PY) -m bayesbeam.cli run "$$CAMPAIGN" --cores "$$CORES" --profile "$$PROFILE"

watch: setup
	@$(PY) -m bayesbeam.cli watch "$$CAMPAIGN" --cores "$$CORES" --profile "$$PROFILE"

plan: setup
	@$(PY) -m bayesbeam.cli plan "$$CAMPAIGN" --cores "$$CORES" --profile "$$PROFILE"

verify: setup
	@$(PY) -m bayesbeam.cli run "$$CAMPAIGN" --cores "$$CORES" --profile "$$PROFILE" --verify

figures: setup
	@$(PY) -m bayesbeam.cli figures "$$CAMPAIGN" --cores "$$CORES" --profile "$$PROFILE"

page: setup
	@$(PY) -m bayesbeam.cli page "$$CAMPAIGN" $$NAME

test: setup
	$(PYTEST) $(PARALLEL) $(TESTS)

nightly: setup
	BAYESBEAM_HYPOTHESIS=nightly $(PYTEST) $(PARALLEL) -m "not gpu" $(TESTS)

test-gpu: $(if $(filter $(PY),$(GPU_PYTHON)),setup)
	PYTHONPATH=workflow $(GPU_PYTHON) -m pytest -m gpu $(or $(TESTS),tests/device) || [ $$? -eq 5 ] # 5: none was chosen

bench: setup
	$(PY) -m bench $(BENCH) --peers-python "$(PEERS_PYTHON)"

check: setup
	@echo "[check] lint (ruff)"
	@$(PY) -m ruff check $(CODE)
	@echo "[check] format (ruff, snakefmt)"
	@$(PY) -m ruff format --check $(CODE)
	@$(PY) -m snakefmt --check Snakefile workflow/rules
	@echo "[check] types (mypy, strict on the numerical core)"
	@$(PY) -m mypy
	@for file in config/campaigns/*/figures.py; do test ! -f "$$file" || \
		MYPYPATH="workflow:$${file%/*}" $(PY) -m mypy --no-warn-unused-configs "$$file" || exit 1; done
	@echo "[check] who may import whom (import-linter)"
	@$(PY) -c "from importlinter.cli import lint_imports_command as lint; lint()" --no-cache
	@echo "[check] rules (snakemake --lint)"
	@$(PY) -m snakemake --lint
	@echo "[check] generated files in step"
	@$(PY) -m bayesbeam.config.generate --check
	@echo "[check] all is well"

format: setup
	$(PY) -m ruff check --fix-only $(CODE)
	$(PY) -m ruff format $(CODE)
	$(PY) -m snakefmt Snakefile workflow/rules

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache workflow/bayesbeam.egg-info
