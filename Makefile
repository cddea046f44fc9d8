# Every target works from a fresh clone: the first one builds .venv from requirements.lock.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN    := .venv/bin
STAMP  := .venv/.installed
# Every program that the desk and its tests start would compile our code anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install demo up down debian test lint format golden fuzz chaos bench bench-answer bench-distance bench-shards bench-national reliability lock docs site \
  rehearsal disturbances terraform clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## the locked, hashed packages into .venv

# Its sentences help when there is no venv, no disk, no way to the packages; and a machine without make can call it.
$(STAMP): requirements.lock pyproject.toml install.sh
	@echo "Installing the locked packages into .venv (once; about half a minute on a fast line) ..."
	@PYTHON='$(PYTHON)' sh install.sh

demo: $(STAMP) ## the main job: an exam season through the real Airflow, from registrations to an updated results file
	@$(BIN)/resultsday demo

up: $(STAMP) ## start the desk and leave it running; prints address and login
	@$(BIN)/resultsday up

down: $(STAMP) ## end what `make up` started, and nothing else
	@$(BIN)/resultsday down

debian: ## what the tests take from Debian, installed where it is missing, by root: a broker, a browser, programs that send files
	@missing=$$(command -v redis-server > /dev/null || echo redis-server; \
	  command -v chromium-headless-shell > /dev/null || command -v chromium > /dev/null \
	  || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null || echo chromium-headless-shell); \
	test -z "$$missing" || { echo "Installing $$missing ..."; apt-get update -qq \
	  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing > /dev/null; } \
	|| { echo "The tests need redis-server and a browser: apt-get install $$missing, as root"; exit 1; }
	@wanted=$$(command -v sftp > /dev/null || echo openssh-client; command -v psftp > /dev/null || echo putty-tools; \
	  for program in lftp rclone sshfs; do command -v $$program > /dev/null || echo $$program; done); \
	test -z "$$wanted" || { echo "Installing" $$wanted "..."; apt-get update -qq \
	  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$wanted > /dev/null; } \
	|| echo "Without them the tests of file transfer use asyncssh's client alone: apt-get install" $$wanted

ifdef T
test: $(STAMP) ## lint and every test; T=tests/rules, or T=tests/rules/test_marks.py: those alone, and nothing else
	@$(BIN)/pytest $(T)
else
test: $(STAMP) lint debian
	@$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
endif

lint: $(STAMP) ## ruff and mypy, which change nothing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(STAMP) ## lay the code out, and put its imports in order
	@$(BIN)/ruff check --quiet --select I --fix .
	@$(BIN)/ruff format .

golden: $(STAMP) ## write what tests compare with in fixtures/ anew, for you to read and commit
	@$(BIN)/pytest --golden $$(grep --recursive --files-with-matches --include 'test_*.py' 'from tests.golden import' tests)
	@git status --short fixtures

fuzz: $(STAMP) ## breaks files and reads them, FUZZ_SECONDS long (60) or until interrupted
	@$(BIN)/python -m tests.fuzz --seconds $(or $(FUZZ_SECONDS),60) --seed $(or $(FUZZ_SEED),1)

chaos: $(STAMP) ## seasons in which jobs and PostgreSQL are killed at random moments: SEED= (1), SECONDS= (60; 0: that seed alone)
	@$(BIN)/python -m bench.chaos --seed $(or $(SEED),1) --seconds $(or $(SECONDS),60)

bench: $(STAMP) ## the parser beside its floor and its peers, what bad files cost, then a national series to results day: seconds, memory
	@$(BIN)/python -m bench.parse
	@$(BIN)/python -m bench.bad
	@$(BIN)/python -m bench.national

bench-answer: $(STAMP) ## from landing to receipt and reply on a running desk: median, worst, where the time goes. FILES=50
	@$(BIN)/python -m bench.answer --files $(or $(FILES),50)

bench-distance: $(STAMP) ## an ingest with its store in a folder, and in S3 at 0, 10 and 30 ms: seconds. FILES=300
	@$(BIN)/python -m bench.distance --files $(or $(FILES),300)

bench-shards: $(STAMP) ## an ingest that one, two and four decide: seconds. FILES=1200, FAR=1 for S3 at 30 ms too
	@$(BIN)/python -m bench.shards --files $(or $(FILES),1200) $(if $(FAR),--far)

bench-national: $(STAMP) ## the national series alone
	@$(BIN)/python -m bench.national

reliability: $(STAMP) ## whole seasons audited, jobs killed at every step and at any moment, load; writes docs/reliability.md: an hour and a half
	@$(BIN)/python -m bench.reliability $(PARTS)

docs: $(STAMP) ## rewrite the pages that are generated from the code
	@$(BIN)/resultsday docs

site: $(STAMP) ## the docs as a site in var/site, links checked
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "var/site/index.html; with its search: $(BIN)/python -m http.server --bind 127.0.0.1 --directory var/site"

lock: $(STAMP) ## resolve pyproject.toml again into requirements.lock (hashes, no addresses)
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
	  pyproject.toml --extra desk --group dev --output-file requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
	  pyproject.toml infra/deploy/requirements.in --extra desk --constraint requirements.lock --output-file infra/deploy/requirements.lock

rehearsal: $(STAMP) ## production as it is documented, on loopback, every service, to results day; needs redis-server
	@$(BIN)/python -m tests.rehearsal

disturbances: $(STAMP) ## the same topology, each part killed or stopped for a minute; into docs/disturbances.md. ONLY='S3: stopped'
	@$(BIN)/python -m tests.rehearsal --disturb '$(ONLY)'

terraform: ## where Terraform is installed: format, validate and test infra/deploy/terraform (TERRAFORM_INIT: options of init)
	@rm -rf var/terraform && mkdir -p var && cp -r infra/deploy/terraform var/terraform
	@cd var/terraform && terraform fmt -check -recursive && terraform init -backend=false $(TERRAFORM_INIT) > /dev/null \
	  && terraform validate && terraform test

clean: ## remove the state and the environment (not the sources)
	@test ! -x $(BIN)/resultsday || $(BIN)/resultsday down
	@rm -rf var .venv
