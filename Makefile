# Atrium: `make run` starts the office, `make test` runs everything.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
.PHONY: run build test test-go test-web e2e nat lint fuzz bench generate install clean

WEB        := webclient
WEB_INDEX  := $(WEB)/dist/index.html
WEB_INPUT  := $(shell find $(WEB)/src $(WEB)/index.html $(WEB)/package.json $(WEB)/vite.config.ts -type f 2>/dev/null)
PKGS ?= ./...
FUZZTIME   ?= 30s
BENCH_BY   ?= # a command that runs another, such as `taskset -c 0,1` or one that waits until the machine is quiet
STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOTESTSUM   := go run gotest.tools/gotestsum@v1.13.0

run: $(WEB_INDEX) ## the office on http://127.0.0.1:8080, with the demo's configuration
	go run ./cmd/atrium serve

build: $(WEB_INDEX) ## bin/atrium, with the web client inside
	go build -trimpath -o bin/atrium ./cmd/atrium

$(WEB)/node_modules/.package-lock.json: $(WEB)/package.json $(WEB)/package-lock.json
	@command -v npm >/dev/null || .ci/install
	cd $(WEB) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(WEB_INDEX): $(WEB)/node_modules/.package-lock.json $(WEB_INPUT)
	cd $(WEB) && npm run --silent build

install: ## what the tests run against, where it is missing
	.ci/install

test: install ## everything; its last lines say what failed, what was run again and what the machine did not allow
	@last=$$(mktemp); trap 'rm -f "$$last"' EXIT; code=0; \
	ATRIUM_LAST_LINES=$$last $(MAKE) --no-print-directory --keep-going lint test-go test-web e2e || code=$$?; \
	if [ -s "$$last" ]; then cat "$$last"; elif [ $$code -eq 0 ]; then echo "everything was run"; fi; \
	exit $$code

# Few tests that fail by themselves get a second run, and their names say so at the end; a data race gets none.
test-go: $(WEB_INDEX)
	@out=$$(mktemp -d); trap 'rm -rf "$$out"' EXIT; code=0; \
	$(GOTESTSUM) --format standard-quiet --rerun-fails=1 --rerun-fails-max-failures 3 --rerun-fails-run-root-test \
	  --rerun-fails-abort-on-data-race --rerun-fails-report "$$out/flaky" --packages "$(PKGS)" -- -race -timeout 15m | tee "$$out/log" || code=$$?; \
	[ ! -s "$$out/flaky" ] || sed 's/^/run again: /' "$$out/flaky" | tee -a "$${ATRIUM_LAST_LINES:-/dev/null}"; \
	[ $$code -eq 0 ] || sed -n '/^=== Failed/,$$p' "$$out/log" | grep -E '^=== FAIL' >>"$${ATRIUM_LAST_LINES:-/dev/null}" || true; \
	exit $$code

test-web: $(WEB)/node_modules/.package-lock.json
	@out=$$(mktemp); trap 'rm -f "$$out"' EXIT; code=0; \
	(cd $(WEB) && npm test --silent 2>&1) | tee "$$out" || code=$$?; \
	[ $$code -eq 0 ] || grep -a ' FAIL ' "$$out" >>"$${ATRIUM_LAST_LINES:-/dev/null}" || true; \
	exit $$code

e2e: build ## the browser tests, in a network namespace of their own
	$(WEB)/e2e/run.sh

nat: ## every combination of NATs, in network namespaces (root)
	go run ./bench/nat

lint: $(WEB)/node_modules/.package-lock.json
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted"; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...
	cd $(WEB) && npm run --silent check

fuzz: ## every fuzz target for FUZZTIME (30s); inputs that go over sockets take long to minimise
	@grep -rlE --include='*_test.go' '^func Fuzz' signaling topology turn sfu bench configs | while read -r file; do \
	  grep -oE '^func Fuzz[A-Za-z0-9_]+' "$$file" | cut -c6- | while read -r target; do \
	    echo "$$(dirname "$$file") $$target"; \
	    go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5s "./$$(dirname "$$file")" </dev/null || exit 1; \
	  done || exit 1; \
	done

bench: ## a short set of scenarios, in about nine minutes; figures and a page in bench/out
	@mkdir -p bench/out
	go build -buildvcs=auto -o bench/out/bench ./bench # the page names the commit
	@missed=0; one() { name=$$1; shift; echo "== $$name"; $(BENCH_BY) bench/out/bench "$$@" --json bench/out/$$name.json || missed=1; pages+=(bench/out/$$name.json); }; \
	peer() { command -v "$$1" >/dev/null && echo "--peer $$2" || true; }; \
	rm -f bench/out/*.json; pages=(); \
	one fanout fanout --floor 1s $$(peer janus janus); \
	one fanout-10 fanout --receivers 10 --floor 1s $$(peer janus janus); \
	one fanout-3 fanout --senders 3 --floor 1s $$(peer janus janus); \
	one mesh mesh --floor 1s $$(peer janus janus); \
	one audio audio --floor 1s $$(peer janus janus); \
	one scale scale; \
	one floor floor --for 1s; \
	one relay relay --transport udp $$(peer turnserver coturn); \
	one squeeze squeeze --rounds 1; \
	one presence presence; \
	one switch switch --network clean; \
	echo "== overview"; bench/out/bench report --html bench/out/report.html $$(for f in "$${pages[@]}"; do [ ! -f $$f ] || echo $$f; done); \
	exit $$missed

generate:
	go generate ./...

clean:
	rm -rf bin $(WEB)/node_modules $(WEB)/test-results
	find $(WEB)/dist -mindepth 1 ! -name .gitkeep -delete
