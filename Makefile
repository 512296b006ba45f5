# Countinghouse: `make run` on a fresh machine opens a bank's books; `make test` is what CI runs.
.DEFAULT_GOAL := help
SHELL := bash
PATH := $(HOME)/.cargo/bin:$(PATH)
LOCAL := scripts/built local

.PHONY: help run up down clean-local test bench-accounting faults charts images cluster cluster-down kube-test lint fmt prepare docs

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## A bank on this machine: stack, services, a banking day; until Ctrl-C (ARGS=--once: until the summary)
	@scripts/setup
	@cargo build --workspace --bins
	@exec $(LOCAL) run $(ARGS)

up: ## Postgres and Kafka alone, for development
	@scripts/setup
	@$(LOCAL) up

down: ## Stop everything; the data stays
	@$(LOCAL) down
	@$(LOCAL) --stack test down
	@$(LOCAL) --stack bench down

clean-local: ## Stop everything; the data goes
	@$(LOCAL) clean
	@$(LOCAL) --stack test clean
	@$(LOCAL) --stack bench clean

test: ## Everything that CI runs
	@scripts/test

bench-accounting: ## Accounting under load: a table, and .local/bench/accounting.json (ARGS=--seconds=10: shorter)
	@scripts/bench-accounting $(ARGS)

faults: ## Kills under load, 200 of them, and a restore (ARGS="--kills 20 --seed 7": others)
	@scripts/faults $(ARGS)

charts: ## The umbrella chart as one file, .local/charts/countinghouse-<version>.tgz
	@scripts/setup --charts
	@.local/tools/bin/helm package charts/countinghouse --destination .local/charts

images: ## The image of each service (ARGS="--tag 0.1.0-rc1": under another tag)
	@scripts/images $(ARGS)

cluster: ## A Kubernetes on this machine, with Postgres and Kafka; the one of KUBECONFIG when that is set
	@[ -n "$$KUBECONFIG" ] || scripts/setup --charts --cluster
	@scripts/built cluster up

cluster-down: ## Stop that Kubernetes, and delete all of it but the cache
	@scripts/built cluster down

kube-test: ## Installs the release on the cluster, kills, drains and upgrades it under load, and prints what came of it
	@scripts/setup --charts --cluster
	@scripts/built cluster up
	@scripts/built cluster test $(ARGS)

lint: ## Formatting, clippy, licences, the contract's lint
	@scripts/lint

fmt: ## Format all code
	@cargo fmt

prepare: ## Write .sqlx again, after a change of migrations or queries
	@scripts/prepare

docs: ## Write what is generated again: documents after a change of the contract, values and renders of the charts
	@scripts/setup --charts
	@scripts/built contracts generate
	@scripts/built charts generate
