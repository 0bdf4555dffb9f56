# make demo | test | check | lint | bench | fuzz | screenshots | cross | package | build
SHELL := /bin/bash
.DEFAULT_GOAL := help
GO ?= go
export CGO_ENABLED ?= 0

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
NFPM        := github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.3.0
VERSION     := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
LDFLAGS     := -s -w -X frostline/proto/version.Version=$(VERSION)
COMMANDS    := frostline frostline-hub frostline-edge firmware-sim
FUZZTIME    ?= 10s

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## build the four commands into bin/
	@mkdir -p bin
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ $(addprefix ./cmd/,$(COMMANDS))

demo: build ## start a whole cold chain on this machine and print where to look
	@bin/frostline demo

check: ## the fast loop: vet and the short tests
	$(GO) vet ./...
	$(GO) test -short -p 4 ./...

lint: ## gofmt, go vet, staticcheck, govulncheck where its database answers
	@test -z "$$(gofmt -l $$(git ls-files '*.go') | tee /dev/stderr)"
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	@.ci/vulnerabilities $(GOVULNCHECK)

install: ## install what the tests need (Debian)
	@.ci/install

test: install build ## install what is missing and run all the tests
	CI=true $(GO) test -timeout 15m ./...
	@$(MAKE) --no-print-directory cross

bench: build ## measure: one JSON object a line, then a table
	@$(GO) run ./test/bench

fuzz: ## run each fuzz target for FUZZTIME
	@.ci/fuzz $(FUZZTIME)

screenshots: install ## pictures of every page into screenshots/
	$(GO) test ./hub/web -run Screenshots -count=1 -screenshots $(CURDIR)/screenshots
	$(GO) test ./hub/web/patient -run Screenshots -count=1 -screenshots $(CURDIR)/screenshots
	$(GO) test ./edge/panel -run Screenshots -count=1 -screenshots $(CURDIR)/screenshots
	@echo "$$(find $(CURDIR)/screenshots -name '*.png' | wc -l) pictures are in $(CURDIR)/screenshots"

cross: ## build for linux amd64, arm64 and armv7 without cgo
	@for a in amd64 arm64 arm; do echo "linux/$$a"; GOOS=linux GOARCH=$$a GOARM=7 CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o /dev/null ./... || exit 1; done

package: ## Debian packages of gateway and hub into dist/, for amd64, arm64, armhf
	@GO='$(GO)' NFPM=$(NFPM) LDFLAGS='$(LDFLAGS)' packaging/build

.PHONY: help build demo check lint install test bench fuzz screenshots cross package
