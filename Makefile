# Everything that a developer or a curious administrator types. `make` alone lists it.
# As an ordinary user, sudo is asked for where root is needed: packages, containers.

PYTHON ?= /usr/bin/python3
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)
VENV := .venv
BIN := $(VENV)/bin
POLICY ?= policies/example.yml
LAB := -i inventories/lab
TESTS := $(sort $(dir $(wildcard tests/*/test_*.py tests/*/*/test_*.py molecule/*/tests/test_*.py)))
MOLECULE := PATH="$(CURDIR)/$(BIN):$(CURDIR)/lab:$$PATH" $(BIN)/molecule

.DEFAULT_GOAL := help
.PHONY: help install tools demo test unit page lint lab lab-down bench golden docs lock

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | column -t -s "$$(printf '\t')"

install: $(VENV)/.ready ## gatepost, Ansible and the tests' tools in a virtual environment in .venv

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || ($(SUDO) apt-get update -q && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q python3-venv)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: install ## two mail servers from nothing, released and proven with real mail
	lab/lab up
	$(BIN)/ansible-playbook $(LAB) playbooks/site.yml -e gatepost_policy=$(CURDIR)/$(POLICY)
	$(BIN)/gatepost prove $(POLICY) --inventory inventories/lab
	@echo
	@echo "Look around:   lab/podman exec -it gate13 bash      tail /var/log/mail.log, postconf -n"
	@echo "Ask:           $(BIN)/gatepost explain $(POLICY) --client 203.0.113.9 --from a@b.example --to nobody@example.org"
	@echo "Take it down:  make lab-down"

test: tools $(VENV)/.spark ## everything, from nothing: lint, unit tests, and real mail on both servers
	$(MAKE) lint
	$(MAKE) unit
	$(MAKE) page
	$(BIN)/pytest -m "slow or spark" tests
	$(MOLECULE) test --all

tools: install
	lab/install tests

# Half a gigabyte, for one test: that the report's questions have equal answers on Apache Spark.
$(VENV)/.spark: requirements-spark.lock $(VENV)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-build-isolation \
	  -r requirements-spark.lock
	@touch $@

unit: tools ## the tests that need no server (seconds)
	$(BIN)/pytest tests

page: tools ## the report's page in a headless browser (two minutes)
	npm ci --silent --prefix tests/observer/page
	$(BIN)/pytest -m page tests/observer/page

lint: tools ## ruff, mypy, import contract, yamllint, ansible-lint, shellcheck
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy generator mx observer bench
	$(BIN)/mypy --explicit-package-bases plugins/action plugins/modules plugins/module_utils
	MYPYPATH=lab $(BIN)/mypy lab/*.py
	MYPYPATH=lab $(BIN)/mypy --scripts-are-modules lab/lab
	$(BIN)/mypy --scripts-are-modules lab/signatures
	set -e; for folder in $(TESTS); do \
	  MYPYPATH=generator:mx:observer:bench:lab:plugins/module_utils:tests/generator:tests/generator/prove:tests/observer:$$folder \
	    $(BIN)/mypy $$folder/*.py; done
	$(BIN)/lint-imports --config pyproject.toml
	$(BIN)/yamllint --strict .
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/ansible-lint --offline --profile production
	shellcheck lab/install lab/podman

lab: install ## a converged lab that stays up
	lab/lab up
	$(BIN)/ansible-playbook $(LAB) playbooks/site.yml -e gatepost_policy=$(CURDIR)/$(POLICY)

lab-down: ## take the lab down; leaves nothing behind
	lab/lab down

bench: install ## the figures, as ratios measured in one run
	$(BIN)/python bench/bench.py

golden: install ## refresh the rendered trees in tests/golden; review them in the diff
	$(BIN)/pytest tests/generator/render --refresh-golden

docs: install ## refresh what is generated in docs/
	$(BIN)/python -m gatepost.reference docs

lock: ## refresh requirements.lock and requirements-spark.lock (versions and hashes alone, no registry)
	$(BIN)/uv pip compile pyproject.toml --extra test --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --quiet --output-file requirements.lock
	echo 'pyspark>=4.0' | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-emit-index-url --no-emit-find-links --no-header --quiet --output-file requirements-spark.lock
