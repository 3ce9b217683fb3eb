# make setup   installs what is missing (Debian packages; asks for root where it needs it)
# make run     builds, replays a recorded capture, and serves pages and metrics on loopback
# make test    every test: unit, property, pipeline, and those against real programs
# make lint    formatting and clippy, warnings as errors
# make bench   figures, in release mode

SHELL := /bin/bash
ADDRESS ?= 127.0.0.1:9488
CAPTURE := tests/pcap/http1-shop/input.pcap.zst
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# To build and to run.
BUILD_PACKAGES := build-essential pkg-config libpcap-dev
# To count instructions.
BENCH_PACKAGES := $(BUILD_PACKAGES) valgrind
# Real programs that the tests start: a server and clients, Prometheus, Alertmanager, a browser,
# packet filters and what fills them, what opens evidence.
TEST_PACKAGES := $(BUILD_PACKAGES) nginx curl tcpdump zstd iproute2 ethtool procps python3 \
	python3-scapy python3-venv prometheus prometheus-alertmanager chromium tshark \
	nftables ipset crowdsec-firewall-bouncer age
# An application that describes itself, a tester of APIs, and a judge of descriptions.
PYTHON_TOOLS := fastapi==0.165.0 uvicorn==0.54.0 python-multipart schemathesis==4.32.5 \
	openapi-spec-validator==0.9.0

.PHONY: run test lint bench setup setup-bench setup-test

run: setup
	cargo build --release --locked --bin tapline
	@mkdir -p out
	@echo; echo "Serving on http://$(ADDRESS)/ (metrics on /metrics); Ctrl-C ends it."; echo
	target/release/tapline replay $(CAPTURE) --out out --serve $(ADDRESS)

test: setup-test
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo test --workspace --locked

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

bench: setup-bench
	cargo bench --locked

setup:
	@$(call install,$(BUILD_PACKAGES))

setup-bench:
	@$(call install,$(BENCH_PACKAGES))

setup-test:
	@$(call install,$(TEST_PACKAGES))
	@test -x target/python/bin/schemathesis || { \
	  echo "installing:" $(PYTHON_TOOLS); \
	  python3 -m venv target/python && target/python/bin/pip install -q $(PYTHON_TOOLS); \
	} || echo "no Python tools: the tests that need them will skip"

# Installs the packages that are not there. RUNLEVEL=1 keeps Debian from starting their services:
# the tests start their own.
define install
missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
if [ -n "$$missing" ]; then \
  echo "installing:" $$missing; \
  $(SUDO) apt-get update -qq && \
  $(SUDO) env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $$missing; \
fi
endef
