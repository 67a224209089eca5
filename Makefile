# The door for newcomers. What each command does is in tox.ini; `make` only sees to it that tox is there.

PYTHON ?= python3
DAYS ?= 7
TOX := .venv/bin/tox

.PHONY: help test demo clean

help:  ## list what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'Everything else is an environment of tox: $(TOX) list'

test: .tox/current  ## run all tests
	@$(TOX) -e test

demo: .tox/current  ## work a week of flights and weather as it arrives (DAYS=365 for the year)
	@$(TOX) -q -e demo -- --days $(DAYS)

clean:  ## remove the environments, the caches, what was built, and what the demo has made
	rm -rf examples/flights/data examples/flights/.clusterless
	rm -rf .venv .tox .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist

.venv/bin/tox:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11 …")'
	@$(PYTHON) -m venv .venv || { echo 'venv is missing: install it (Debian, Ubuntu: apt-get install python3-venv)' >&2; exit 1; }
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check 'tox>=4.25'

# tox builds an environment anew when its own file changed, not when a distribution declares other dependencies.
.tox/current: .venv/bin/tox core/pyproject.toml $(wildcard plugins/*/pyproject.toml)
	@rm -rf .tox && mkdir .tox && touch $@
