# Each target sets up .venv itself, from the hash-locked files in requirements/.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: setup demo serve test lint format fit bench bench-usage bench-web bench-serving screenshots docs lock clean

setup: .venv/ready

.venv/ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -c "import sys; sys.exit('breakeven needs Python 3.11 or newer' if sys.version_info < (3, 11) else 0)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q src
	touch $@

demo: setup
	$(BIN)/breakeven logs examples/tensorzero-haiku.jsonl.gz --calls-per-month 500k

serve: setup
	$(BIN)/breakeven serve

test: setup
	$(BIN)/python -m pytest -n 2

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup
	$(BIN)/python benchmarks/run.py

bench-web: setup
	$(BIN)/python benchmarks/web.py

# Options of the benchmark: make bench-usage BENCH="--rows 100000000"
bench-usage: setup
	$(BIN)/python benchmarks/usage_scan.py $(BENCH)

# Predicted against measured: serving, fine-tuning, and a server measured at other points.
# Constants and bands of src/breakeven/catalogue/compute.yaml, fitted again to the rows in benchmarks/data.
fit: setup
	$(BIN)/python tools/fit_compute.py
	$(BIN)/python benchmarks/tuning.py --write
	$(BIN)/python benchmarks/measured.py --write

bench-serving: setup
	$(BIN)/python benchmarks/serving.py
	$(BIN)/python benchmarks/tuning.py
	$(BIN)/python benchmarks/measured.py

screenshots: setup
	$(BIN)/python tools/screenshots.py

docs: setup
	$(BIN)/python tools/article_check.py > docs/article-check.md.new
	mv docs/article-check.md.new docs/article-check.md

# Renew the locks. They name packages, versions and hashes, and no registry.
lock: setup
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/python -m piptools compile $(LOCK) --output-file requirements/run.txt pyproject.toml
	$(BIN)/python -m piptools compile $(LOCK) --constraint requirements/run.txt $(EXTRAS) \
		--output-file requirements/dev.txt pyproject.toml requirements/dev.in

EXTRAS = --extra web --extra mcp --extra spark --extra warehouse --extra remote --extra postgres --extra tokens

LOCK = --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host --no-header --no-annotate

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
