# The two commands: `make demo` and `make test`. Each does all the set-up that it needs.
VENV := .venv
BIN := $(VENV)/bin
NODE := PATH="$(abspath $(BIN)):$$PATH"
# the first of these that is Python 3.11 or newer
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$p" && break; done)

.PHONY: demo test check tests touched whole fuzz faults screens package trackers cluster bench simulations golden docs lock setup browser strace slurm explorer clean

demo: setup
	$(BIN)/piescope run digits

test: check tests

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# last, so that pytest's closing line closes the output; two processes, a file's tests in one of them (conftest.py)
tests: setup browser strace explorer/node_modules/.package-lock.json $(VENV)/compiled
	PIESCOPE_TESTS=sample $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# what make test has a sample of, others each day: all simulations, all cases
whole: setup browser strace explorer/node_modules/.package-lock.json
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# all cases of the test files that a change concerns: since the last commit, or make touched SINCE=origin/main
touched: setup browser strace
	files=$$($(BIN)/python tests/mirrored.py $(SINCE)) && $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $$files

# every reader of the audit on thousands of damaged files, pages with thousands of hostile names; make test has a short sample
fuzz: setup browser
	PIESCOPE_FUZZ=audit-long $(BIN)/python -m pytest tests/unit/reading/test_fuzz.py tests/unit/reading/test_roles.py tests/browser/test_hostile.py \
		tests/unit/adapters/test_weights.py tests/unit/adapters/test_pickled_tensors.py tests/unit/test_parquet_pages.py tests/unit/test_arrow_batches.py

# every page at every size, in light and dark, with and without a script; make test has a sample, tests/artefacts the pictures
screens: setup browser
	PIESCOPE_BROWSER=long $(BIN)/python -m pytest tests/browser

# kill -9 in the middle of a study with every kind of step, and at each system call of each writer; full disks, refused
# calls; make test has a short sample
faults: setup strace
	PIESCOPE_FAULTS=long PIESCOPE_COUNTS=write $(BIN)/python -m pytest -n 2 --dist loadfile tests/faults

# the wheel, installed small in a clean environment, audits two files; make test looks at the wheel alone
package: setup
	PIESCOPE_PACKAGE=long $(BIN)/python -m pytest tests/contract/test_package.py

# curves into Weights & Biases and MLflow, which are not in the environment that the tests have; TensorBoard is
trackers: setup .venv-trackers/ready
	.venv-trackers/bin/python -m pytest -p no:cacheprovider tests/unit/cli/test_trackers.py

# studies on a Ray cluster of three nodes and in a queue of SLURM, on this machine; processes and nodes of it are killed
cluster: setup slurm .venv-cluster/ready
	.venv-cluster/bin/python -m pytest -p no:cacheprovider tests/cluster

.venv-%/ready: requirements-%.lock $(VENV)/ready
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement requirements-$*.lock
	# what the tests have, piescope itself too, after what is only here
	$(BIN)/python -c 'import site; print(f"import site; site.addsitedir({site.getsitepackages()[0]!r})")' \
		> "$$(.venv-$*/bin/python -c 'import site; print(site.getsitepackages()[0])')/tests.pth"
	touch $@

slurm:
	@command -v slurmctld >/dev/null \
		|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge >/dev/null; }

# all that is about speed, in some ten minutes, into docs/performance.md: on an idle machine. make bench PARTS="throughput losses" only tells
bench: setup browser
	$(BIN)/python benchmarks/bench.py $(or $(PARTS),--docs --json docs/performance.json)

# do intervals hold what they promise? studies whose truth is known, in 13 minutes on two idle cores (19 to 29 beside other work), into docs/signal.md
simulations: setup
	$(BIN)/python benchmarks/power.py --docs
	$(BIN)/python benchmarks/simulations.py --docs

# after a change that is meant to change results: look at the difference before it is committed
golden: setup
	$(BIN)/python tests/golden/record.py

# the site of docs/, to site/index.html; broken links and anchors end it. The live page is that of `piescope show digits`
DOCS := .venv-docs
docs: setup $(DOCS)/ready
	mkdir -p docs/live
	cp "$$(PIESCOPE_CACHE=$(DOCS)/cache $(BIN)/piescope show --no-browser digits)" docs/live/digits.html
	$(DOCS)/bin/zensical build --strict --clean

$(DOCS)/ready: requirements-docs.lock
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-docs.lock
	touch $@

setup: $(VENV)/ready

$(VENV)/ready: requirements.lock requirements-without-dependencies.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "piescope needs Python 3.11 or newer: install it, or run make PYTHON=/path/to/python"; exit 3; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	# timm names torchvision, which has no CPU build everywhere; its tests give it a stand-in
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement requirements-without-dependencies.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# numba compiles UMAP once an environment, half a minute that is no test
$(VENV)/compiled: $(VENV)/ready
	$(BIN)/python -c 'import numpy; from piescope.measure.projection import umap_projection; umap_projection(numpy.eye(60), 0)'
	touch $@

# the browser tests open the report in Chromium; without it and without root to install it they skip and say so
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } \
		|| echo "no Chromium: the browser tests will skip"

# faults at system calls: make faults fails without it, make test skips them and says so
strace:
	@command -v strace >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq strace >/dev/null; } \
		|| echo "no strace: faults at system calls will not be tried"

# the report's script, from explorer/ into the package: after a change there
explorer: explorer/node_modules/.package-lock.json
	cd explorer && $(NODE) npm run --silent check && $(NODE) npm test --silent && $(NODE) npm run --silent build

# where npm reaches no registry, the tests of the script skip and say so
explorer/node_modules/.package-lock.json: explorer/package-lock.json $(VENV)/ready
	cd explorer && $(NODE) npm ci --silent || echo "npm installs nothing: the tests of explorer/ will skip"

# requirements.lock and requirements-docs.lock from pyproject.toml; the torch pin takes the CPU build where one is at hand
lock:
	rm -rf .lock-venv
	$(PYTHON) -m venv .lock-venv
	.lock-venv/bin/python -m pip install --quiet torch==2.13.0 hatchling editables
	.lock-venv/bin/python -m pip install --quiet --upgrade pip
	.lock-venv/bin/python -m pip install --quiet --group dev ".[study,onnx]"
	.lock-venv/bin/python -m pip freeze --exclude piescope | sed 's/^\(torch==[0-9.]*\)+.*/\1/' > requirements.lock
	rm -rf .lock-venv
	$(PYTHON) -m venv .lock-venv
	.lock-venv/bin/python -m pip install --quiet --upgrade pip
	.lock-venv/bin/python -m pip install --quiet --group docs
	.lock-venv/bin/python -m pip freeze > requirements-docs.lock
	rm -rf .lock-venv
	$(PYTHON) -m venv .lock-venv
	.lock-venv/bin/python -m pip install --quiet --upgrade pip
	.lock-venv/bin/python -m pip install --quiet ".[wandb,mlflow]"
	.lock-venv/bin/python -m pip freeze --exclude piescope > requirements-trackers.lock
	rm -rf .lock-venv
	$(PYTHON) -m venv .lock-venv
	.lock-venv/bin/python -m pip install --quiet --upgrade pip ray submitit
	.lock-venv/bin/python -m pip freeze > requirements-cluster.lock
	rm -rf .lock-venv

clean:
	rm -rf $(VENV) $(DOCS) .venv-trackers .venv-cluster site docs/live explorer/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
