# Everything runs in one virtual environment. `make demo VENV=/somewhere/else` puts it elsewhere.
PYTHON ?= python3
VENV ?= .venv
OUT ?= out/GW150914
SITE ?= site
WORKERS ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt
# One thread per test process: two threads on a busy core are slower than one.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow docs lint format types imports counts doctest pesummary wheel page ci clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1\t/' | expand -t 18

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("chirpleaf needs Python 3.11 or newer; got " + sys.version.split()[0] + "; try: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing chirpleaf into $(VENV): a few minutes the first time"
	$(PIP) -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) -e '.[test]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-test
	$(PIP) -e '.[dev]'
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP) -e '.[docs]'
	@touch $@

demo: $(VENV)/.installed  ## install, then infer GW150914 from the strain and model in the package
	$(BIN)/chirpleaf infer GW150914 --out $(OUT) --overwrite

test: $(VENV)/.installed-test  ## install what the tests need and run all but the slow ones
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

test-slow: $(VENV)/.installed-test  ## run the slow tests: several ranks, killed processes, general relativity, code blocks
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) -m slow

doctest: $(VENV)/.installed-test  ## run the examples of the docstrings
	$(ONE_THREAD) $(BIN)/python -m pytest --doctest-modules src

docs: $(VENV)/.installed-docs  ## build the documentation in site/, notebooks executed; a warning is an error
	$(ONE_THREAD) NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --site-dir $(SITE)

lint: $(VENV)/.installed-dev  ## ruff: rules and format; shellcheck: the batch scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/shellcheck docs/clusters/*

format: $(VENV)/.installed-dev  ## ruff: mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.installed-dev  ## mypy, strict, on src, benchmarks and scripts
	$(BIN)/mypy

imports: $(VENV)/.installed-dev  ## the rooms: who may import whom
	$(BIN)/lint-imports

counts: | $(BIN)/python  ## long functions and files, docstrings, import circles, tests: fail above the bounds
	@$(BIN)/python scripts/count_code.py

pesummary: $(VENV)/.installed-test  ## have PESummary, in an environment of its own, read files of chirpleaf
	$(PYTHON) -m venv $(VENV)-pesummary
	$(VENV)-pesummary/bin/pip install --disable-pip-version-check --quiet pesummary==1.8.1
	$(BIN)/python scripts/check_pesummary.py write $(VENV)-pesummary/files
	$(VENV)-pesummary/bin/python scripts/check_pesummary.py read $(VENV)-pesummary/files

wheel: | $(BIN)/python  ## build the wheel, install it in an environment of its own as pipx does, and run it
	rm -rf dist $(VENV)-wheel
	$(BIN)/python -m pip wheel --disable-pip-version-check --quiet --no-deps --wheel-dir dist .
	$(PYTHON) -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/python -m pip install --disable-pip-version-check --quiet -c constraints.txt dist/*.whl
	cd dist && $(abspath $(VENV)-wheel)/bin/chirpleaf --version
	cd dist && $(abspath $(VENV)-wheel)/bin/chirpleaf doctor

page: $(VENV)/.installed-test  ## use the page of serve in headless Chromium (needs chromium and chromium-driver)
	$(PIP) selenium
	$(BIN)/python scripts/check_serve_page.py --out out/page

ci:  ## all of the above in a fresh environment, as on the server
	.ci/run

clean:  ## remove the environment, outputs and caches
	rm -rf $(VENV) $(VENV)-wheel dist out site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
