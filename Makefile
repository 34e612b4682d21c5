# Each target is one nox session; nox itself comes from scripts/nox.sh, which installs it into .make/ when it is missing.
# What a user gives (make bench MODEL=…) is never text of a command: it travels in the environment, and only quoted.

GIVEN := PYTHON MODEL BASE_URL WORKLOAD ENGINE OFFLINE YES ARGS
# A variable of make is expanded when it is used, $(shell …) in it included. Taking its unexpanded value once,
# into a simple variable, makes whatever the user typed plain text.
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name))))
export $(GIVEN)
SHELL := /bin/sh
NOX := @set -f; exec scripts/nox.sh
# The option of a switch that was turned on: OFFLINE=1 does, OFFLINE=0 and OFFLINE= do not.
yes = $$(case "$$$(1)" in 1|y|yes|true) echo $(2);; esac)
.DEFAULT_GOAL := help

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  ARGS="…" passes any other options on, e.g. make bench ARGS="--seed 7"; PYTHON=… names the Python to use'

bench:  ## measure a model: MODEL=… or BASE_URL=http://host:8000, WORKLOAD=Q1|Q5|…|all, ENGINE=sagellm|vllm|…
	$(NOX) -s bench -- $${MODEL:+--model "$$MODEL"} $${BASE_URL:+--base-url "$$BASE_URL"} \
	    $${WORKLOAD:+--workload "$$WORKLOAD"} $${ENGINE:+--engine "$$ENGINE"} $$ARGS

aggregate:  ## outputs/ → hf_data/, merged with the published board (OFFLINE=1: with nothing fetched)
	$(NOX) -s aggregate -- $(call yes,OFFLINE,--offline) $$ARGS

submit:  ## aggregate, commit hf_data/ and push it, whoever else pushes meanwhile (OFFLINE=1 as for aggregate)
	$(NOX) -s submit -- $(call yes,OFFLINE,--offline) $$ARGS

publish:  ## hf_data/ → the shared leaderboard, then clean hf_data/ from git (YES=1: without asking)
	$(NOX) -s upload -- $(call yes,YES,--yes) $$ARGS

clean-published:  ## only the last step of publish: take what is published out of hf_data/ in git, and push (YES=1: without asking)
	$(NOX) -s clean -- $(call yes,YES,--yes) $$ARGS

clean:  ## remove what was installed, built and cached; outputs/ and hf_data/ stay (YES=1: without asking)
	$(NOX) -s clean_local -- $(call yes,YES,--yes) $$ARGS

validate:  ## check the rows in hf_data/, or the files named in ARGS
	$(NOX) -s validate -- $$ARGS

check-board:  ## prove that the published board is what was accepted, from every row, its evidence and the history
	$(NOX) -s rebuild -- --check $$ARGS

report:  ## show finished runs again: ARGS="outputs/…"
	$(NOX) -s report -- $$ARGS

site:  ## the board as one page, site/index.html (ARGS="--from hf_data": of the rows here)
	$(NOX) -s site -- $$ARGS

compare:  ## is a run faster than another? ARGS="outputs/… outputs/…"
	$(NOX) -s compare -- $$ARGS

doctor:  ## what is installed, reachable, logged in and blocked, and what to do about it
	$(NOX) -s doctor -- $$ARGS

ci:  ## all checks, as the ci workflow runs them
	$(NOX) -s ci

lint:  ## format, style, types, workflows
	$(NOX) -s lint

test:  ## the quick tests, after each change; or some: ARGS="tests/board -k merge"
	$(NOX) -s test -- $$ARGS

tests:  ## all tests, with branch coverage
	$(NOX) -s tests -- $$ARGS

pythons:  ## the tests on each Python from 3.11 to 3.13 that is installed
	$(NOX) -s pythons -- $$ARGS

perf:  ## how true and how cheap the load client is (ARGS=--check: against the recorded baseline)
	$(NOX) -s perf -- $$ARGS

statistics:  ## how often intervals cover and checks find what they should (ARGS="--times 100": quicker)
	$(NOX) -s statistics -- $$ARGS

peers:  ## the same work through the best-known load clients, side by side
	$(NOX) -s peers -- $$ARGS

engines:  ## measure real engines and hold the figures against a plain client's (10 GB, an hour)
	$(NOX) -s engines -- $$ARGS

.PHONY: help bench aggregate submit publish clean-published clean validate check-board report site compare doctor ci lint test tests pythons perf statistics peers engines
