# Two commands on a fresh machine: `make up` and `make test`. Each sets itself up; `make` alone lists them all.

# Any Python from 3.11 on: make PYTHON=python3.12 up
PYTHON ?= python3
# make up PORT=8100 for another port; make test T=tests/embedded for some of the tests
PORT ?= 8000
T ?=
# make prove ARGS="--drafts 500 --kills 20 --seed 7"; make bench ARGS="submit batch"; --help lists the others
ARGS ?=
# make soak ROW=redis-down for one row; MINUTES=10 for a shorter hour
ROW ?=
MINUTES ?=
# make lock UPGRADE=--upgrade moves every pin; without it only what pyproject.toml asks for
UPGRADE ?=

run := $(PYTHON) requirements/install.py run
dev := $(PYTHON) requirements/install.py dev
bin := .venv/bin
# Where ruff asks for a word about each case (S113, S311, S603, S606, S608), bandit need not ask again. The SQL of migrations is
# put together from constants.
asked := B113,B311,B404,B603,B606,B608
# Prints each step of a target as it comes to it.
define say
@printf '\n== %s\n' "$(1)"
endef

export PORT ROW MINUTES
.DEFAULT_GOAL := help
.PHONY: help up test prove soak bench shots matrix check fix words lock

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up:  ## run everything here, with example data: http://127.0.0.1:8000 (PORT=8100 for another port)
	@$(run) && exec $(bin)/python -m config.embedded.up

# Three processes for two cores, each with servers of its own: tests wait more than they compute. Files in the order of
# their folders, so that what a folder shares is started once.
test:  ## run the tests (T=tests/foo.py::bar for some of them)
	@$(dev) && exec $(bin)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(T)

prove:  ## attack the running product and print what it lost: nothing (ARGS="--drafts 500 --kills 20 --seed 7")
	@$(dev) && exec $(bin)/python -m tests.proof $(ARGS)

soak:  ## the attacks that take longer than `make prove` may, row by row (ROW=redis-down, MINUTES=60)
	@$(dev) && exec $(bin)/python -m tests.proof.soak

bench:  ## measure it beside the limit of this machine (ARGS="submit batch --quick")
	@$(dev) && exec $(bin)/python -m tests.bench $(ARGS)

shots:  ## take the pictures of docs/shots anew, in the real browser
	@$(dev) && exec $(bin)/python -m pytest tests/browser/test_pages.py --shots

matrix:  ## the browser's tests that take longer than `make test` may, row by row (ROW="axe: reply,keys")
	@$(dev) && exec $(bin)/python -m pytest -q -p tests.browser.matrix --full tests/browser

check:  ## everything that judges the code without running it
	@$(dev)
	$(call say,ruff check)
	@$(bin)/ruff check
	$(call say,ruff format --check)
	@$(bin)/ruff format --check
	$(call say,lint-imports)
	@$(bin)/lint-imports
	$(call say,manage.py makemigrations --check --dry-run)
	@$(bin)/python manage.py makemigrations --check --dry-run
	$(call say,manage.py lifecycle --check)
	@$(bin)/python manage.py lifecycle --check
	$(call say,manage.py keyboard --check)
	@$(bin)/python manage.py keyboard --check
	$(call say,manage.py openapi --check)
	@$(bin)/python manage.py openapi --check
	$(call say,mypy)
	@$(bin)/mypy
	$(call say,bandit)
	@$(bin)/bandit -q -r reviewqueue config --skip $(asked) --exclude reviewqueue/migrations

fix:  ## format, repair what ruff can, and write the generated documents anew
	@$(dev)
	@$(bin)/ruff format
	@$(bin)/ruff check --fix
	@$(bin)/python manage.py lifecycle
	@$(bin)/python manage.py keyboard
	@$(bin)/python manage.py openapi

words:  ## collect the words of the pages for reviewqueue/locale, and compile what was translated (needs gettext)
	@$(dev)
	@$(bin)/python manage.py makemessages --all --no-location --no-wrap --no-obsolete \
	  --ignore '.venv*' --ignore 'var*' --ignore 'tests*' --ignore 'docs*'
	@$(bin)/python manage.py compilemessages --ignore '.venv*'

compile := $(bin)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
  --no-annotate --custom-compile-command "make lock"
lock:  ## write requirements/*.txt anew after a change in pyproject.toml (UPGRADE=--upgrade for newer versions)
	@$(dev)
	@$(compile) $(UPGRADE) --python-version 3.11 --extra embedded --extra dev \
	  pyproject.toml requirements/build.in -o requirements/dev.txt
	@$(compile) $(UPGRADE) --python-version 3.11 --extra embedded -c requirements/dev.txt \
	  pyproject.toml requirements/build.in -o requirements/run.txt
	@$(compile) $(UPGRADE) --python-version 3.12 --no-deps requirements/servers.in -o requirements/servers.txt
	@$(dev)
