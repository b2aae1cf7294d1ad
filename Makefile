# Two commands do everything: `make demo` and `make test`. The rest is for those who work on the project.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Third-party code is checked against hashes; our own package is then added without looking anything up.
INSTALL := constraints/install.sh $(BIN)/python
ADD_OURS := $(PIP) install --quiet --no-deps --no-build-isolation -e .
PIN := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet

# Where the caller's environment keeps Python from writing bytecode, each of some hundred processes would compile all it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check bench beside screenshots constraints clean help

demo: $(VENV)/.run  ## make the demo city, serve it on 127.0.0.1:8000 and print the addresses
	$(BIN)/geo-risk demo --port $(PORT)

test: $(VENV)/.dev  ## install and run the whole suite
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder  # not the files of many tests first: the long ones have few

check: $(VENV)/.dev  ## style, types, import directions
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev  ## measure; prints, asserts nothing
	$(BIN)/python -m bench.run

beside: $(VENV)/.dev  ## measure beside the peers that bench/peers/install.sh installed; an hour
	$(BIN)/python -m bench.beside

screenshots: $(VENV)/.dev  ## remake the pictures in docs/, while `make demo` runs
	$(BIN)/python docs/screenshots.py http://127.0.0.1:$(PORT) 119.70 28.56

$(VENV)/.run: constraints/run.txt pyproject.toml maps/package-lock.json | $(VENV)/bin/python
	$(INSTALL) constraints/run.txt
	$(ADD_OURS)
	touch $@

$(VENV)/.dev: constraints/dev.txt pyproject.toml maps/package-lock.json | $(VENV)/bin/python
	$(INSTALL) constraints/dev.txt
	$(ADD_OURS)
	touch $@

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --no-compile --require-hashes -r constraints/pip.txt  # older ones take twice as long over pinned wheels

constraints:  ## pin anew (needs uv on the path)
	echo pip | $(PIN) -o constraints/pip.txt -
	$(PIN) --extra build -o constraints/run.txt pyproject.toml
	$(PIN) --extra build --extra scale -c constraints/run.txt -o constraints/scale.txt pyproject.toml
	$(PIN) --extra build --extra scale --extra dev -c constraints/scale.txt -o constraints/dev.txt pyproject.toml

clean:  ## remove the environment and what was built; the store in var/ stays
	rm -rf $(VENV) build dist maps/static/vendor

help:
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/:/'
