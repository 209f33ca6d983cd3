# make demo | reproduce | test | test-slurm | theory-figures | validate | bench | build | setup | clean
# Each target does its own set-up on a fresh Debian or Ubuntu machine that has a Rust toolchain.
.PHONY: setup build test test-rust test-python test-slurm lint demo theory-figures reproduce validate bench \
  doc doc-equations clean
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

VENV := .venv
PYTHON := $(VENV)/bin/python
BIN := target/release/reluscape
RANKS ?= 2
DEMO := demo-output
FIGURES := theory-output
REPORT := reproduce-output
# Of `make reproduce`: capacity hidden-units typical dense-regions robustness robustness-real thresholds
CLAIMS :=

# Open MPI refuses root and more ranks than cores unless told; in containers it cannot use CMA.
export OMPI_ALLOW_RUN_AS_ROOT := 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM := 1
export OMPI_MCA_rmaps_base_oversubscribe := 1
export OMPI_MCA_btl_vader_single_copy_mechanism := none

setup: ## System packages (apt, as root or with sudo)
	@bash .ci/setup

$(VENV)/.done: analysis/requirements.txt | setup
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r analysis/requirements.txt
	touch $@

build: setup
	cargo build --release --locked

lint: setup doc
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

test: lint test-rust test-python

test-rust: setup $(VENV)/.done
	RELUSCAPE_PYTHON=$(abspath $(PYTHON)) cargo test --locked

test-python: $(VENV)/.done
	cd analysis && $(abspath $(PYTHON)) -m unittest discover -s tests

test-slurm: setup ## On a real Slurm that the tests start on this machine (root, minutes)
	cargo test --locked --test slurm -- --ignored --nocapture --test-threads 1

demo: build $(VENV)/.done
	mkdir -p $(DEMO)
	time mpirun -n $(RANKS) $(BIN) run jobs/demo.toml -o $(DEMO)/demo.h5
	$(BIN) extrapolate $(DEMO)/demo.h5
	cd analysis && $(abspath $(PYTHON)) -m reluscape_analysis success ../$(DEMO)/demo.h5 -o ../$(DEMO)
	cd analysis && $(abspath $(PYTHON)) -m reluscape_analysis scaling ../$(DEMO)/demo.h5 -o ../$(DEMO)
	@echo "figures: $(DEMO)/*.png, $(DEMO)/*.pdf"

theory-figures: build $(VENV)/.done ## The analytical curves, from files of `theory -o`
	mkdir -p $(FIGURES)
	rm -f $(FIGURES)/theory.h5
	bash analysis/theory.sh $(BIN) $(FIGURES)/theory.h5
	cd analysis && for figure in capacity entropy landscape robustness; do \
	  $(abspath $(PYTHON)) -m reluscape_analysis $$figure ../$(FIGURES)/theory.h5 -o ../$(FIGURES); done

reproduce: build $(VENV)/.done ## The small job of every claim (or of CLAIMS), one page of figures and numbers
	PYTHONPATH=analysis $(PYTHON) -m reluscape_analysis reproduce $(CLAIMS) -o $(REPORT) \
	  --program $(BIN) --ranks $(RANKS)

validate: setup $(VENV)/.done ## Slow physics validation and fault trials
	@bash .ci/setup validate
	@# Without the guides' excerpts, which do not compile alone. The skipped one rewrites the committed file of
	@# the schema: run it by name, on a release.
	RELUSCAPE_PYTHON=$(abspath $(PYTHON)) cargo test --locked --release --tests -- --ignored --nocapture \
	  --skip write_the_committed_file

bench: setup
	cargo bench --locked

# Equations are typeset by KaTeX, which the browser loads.
doc: export RUSTDOCFLAGS := -D warnings -A rustdoc::private-intra-doc-links \
  --document-private-items --html-in-header $(abspath docs/katex-header.html)

doc: setup ## The reference, in target/doc
	cargo doc --locked --no-deps --lib

doc-equations: doc ## KaTeX parses every equation of the reference (needs node and npm)
	npm install --silent --no-save --prefix target/katex katex@0.19.1
	node docs/equations.mjs target/doc/reluscape target/katex/node_modules/katex

clean:
	cargo clean
	rm -rf $(VENV) $(DEMO) $(FIGURES) $(REPORT)
