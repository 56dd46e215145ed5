# Needs Go and git. `make help` lists the targets.
GO ?= go
PKGS := ./...
export CGO_ENABLED ?= 0

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -s -w -X github.com/balena-io/oncall/cmd/oncall/root.version=$(VERSION)
LINT := $(GO) tool -modfile=tools/go.mod golangci-lint

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/oncall
	@$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/oncall ./cmd/oncall

.PHONY: demo
demo: ## build, then play the tour of an incident
	@[ -x bin/oncall ] || echo "building, about a minute the first time"
	@$(MAKE) --no-print-directory build
	@bin/oncall demo

.PHONY: test
test: ## run every test
	$(GO) test $(PKGS)

.PHONY: race
race: ## run every test with the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 20m $(PKGS)

.PHONY: script
script: ## run the story scripts; UPDATE=1 rewrites their expectations
	$(GO) test ./cmd/oncall -run TestScript $(if $(UPDATE),-update)

.PHONY: lint
lint: ## gofmt, go vet, golangci-lint
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet $(PKGS)
	$(LINT) run

.PHONY: docs
docs: ## write docs/reference from the commands
	$(GO) run ./docs/gen docs/reference

.PHONY: cover
cover: ## test coverage by package
	$(GO) test -coverprofile=coverage.out $(PKGS) && $(GO) tool cover -func=coverage.out | tail -1

.PHONY: bench
bench: build ## benchmarks beside an empty Go program, curl and grep
	@sh tools/bench-start.sh bin/oncall
	@bash tools/bench-e2e.sh
	$(GO) test -run '^$$' -bench . -benchmem $(PKGS)

.PHONY: fuzz
fuzz: ## fuzz each parser for FUZZTIME (10s)
	@sh tools/fuzz.sh $(or $(FUZZTIME),10s)

.PHONY: cross
cross: ## build for every platform
	@for t in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64; do \
		echo $$t; GOOS=$${t%/*} GOARCH=$${t#*/} $(GO) build -trimpath -o dist/oncall-$${t%/*}-$${t#*/} ./cmd/oncall || exit 1; done

.PHONY: check
check: ## what CI runs
	@bash .ci/run
