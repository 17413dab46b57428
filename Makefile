# What a person types. Every step says one line; what it hides is shown if it fails.

.PHONY: run test setup check bench bench-copilot fuzz soak crowd lock doctor javascript

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
FUZZING := $(VENV)/.fuzzing
LOG := $(VENV)/setup.log

# The newest Python that every pinned package is known to work with comes first. Each is
# run, not just looked for: version managers leave names behind that do not start.
CANDIDATES := python3.13 python3.12 python3.11 python3
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

# GitHub Copilot is reached through a process of Node.js; without Node all else works.
COPILOT := proxyapp/backends/copilot/helper
COPILOT_SOURCES := $(wildcard $(addprefix $(COPILOT)/,package-lock.json build.mjs src/*.mjs src/*/*.mjs))
COPILOT_BUILT := $(if $(COPILOT_SOURCES),$(COPILOT)/dist/main.mjs)
NODE_NEW_ENOUGH := process.exit(+(parseInt(process.versions.node) < 20))

run: $(RUNTIME) $(COPILOT_BUILT)
	@exec $(PYTHON) -m proxyapp serve

test: $(DEVELOPMENT) $(FUZZING) javascript $(COPILOT_BUILT)
	@$(PYTHON) -m coverage erase; \
	$(PYTHON) -m coverage run -m pytest $(ARGS); code=$$?; \
	$(PYTHON) -m coverage combine --quiet && \
	echo "Coverage: $$($(PYTHON) -m coverage report --format=total) %"; \
	exit $$code

setup: $(RUNTIME) $(COPILOT_BUILT)
	@echo "Ready: make run"

check: $(DEVELOPMENT)
	@$(PYTHON) -m ruff check --quiet . && echo "ruff check: clean"
	@$(PYTHON) -m ruff format --quiet --check . && echo "ruff format: clean"
	@$(PYTHON) -m mypy

bench: $(DEVELOPMENT)
	@$(PYTHON) bench/run.py $(ARGS)

bench-copilot: $(DEVELOPMENT) $(COPILOT_BUILT)
	@$(PYTHON) bench/copilot.py

soak: $(DEVELOPMENT) $(COPILOT_BUILT)
	@$(PYTHON) -m tests.soak.mixed --write $(ARGS)

crowd: $(DEVELOPMENT)
	@$(PYTHON) -m tests.soak.crowd --write $(ARGS)

# After a change of requirements*.in; the oldest Python that is served writes them.
lock: | $(PYTHON)
	@$(PYTHON) -m venv $(VENV)/lock && \
	$(VENV)/lock/bin/pip install --quiet pip-tools==7.6.2 && \
	for name in requirements requirements-dev; do \
	  $(VENV)/lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe \
	    --no-emit-index-url --no-emit-find-links --strip-extras --no-annotate \
	    --no-header --output-file=$$name.txt $$name.in || exit 1; \
	  echo "Written: $$name.txt"; \
	done

fuzz: $(DEVELOPMENT) $(FUZZING)
	@for name in $$($(PYTHON) -c "from tests.fuzz.targets import TARGETS; print(*TARGETS)"); do \
	  echo "Fuzzing $$name"; \
	  $(PYTHON) -m tests.fuzz $$name $(or $(SECONDS),60) || exit 1; \
	done

doctor: $(RUNTIME)
	@$(PYTHON) -m proxyapp doctor

$(RUNTIME): requirements.txt | $(PYTHON)
	@echo "Installing requirements.txt"
	@$(PIP) -r $< >$(LOG) 2>&1 || { cat $(LOG); exit 1; }
	@touch $@

$(DEVELOPMENT): requirements-dev.txt requirements.txt | $(PYTHON)
	@echo "Installing requirements-dev.txt"
	@$(PIP) -r $< >$(LOG) 2>&1 || { cat $(LOG); exit 1; }
	@touch $@ $(RUNTIME)

$(FUZZING): requirements-fuzz.txt | $(PYTHON) $(DEVELOPMENT)
	@echo "Installing requirements-fuzz.txt"
	@$(PIP) --only-binary=:all: -r $< >$(LOG) 2>&1 || \
	  echo "atheris is not to be had here: the tests that fuzz are skipped."
	@touch $@

$(PYTHON):
	@for name in $(CANDIDATES); do \
	  if $$name -c '$(NEW_ENOUGH)' 2>/dev/null; then found=$$name; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "proxyapp needs Python 3.11 or newer; here is: $$(python3 --version 2>&1)"; \
	  echo "Install one (apt install python3.11 python3.11-venv; brew install" \
	    "python@3.13), then type make again."; \
	  exit 1; \
	fi; \
	echo "Making $(VENV) with $$($$found --version)"; \
	$$found -m venv --clear $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "$$found cannot make virtual environments; on Debian and Ubuntu:" \
	    "apt install python3-venv"; \
	  exit 1; \
	}

$(COPILOT)/dist/main.mjs: $(COPILOT_SOURCES) | $(PYTHON)
	@if ! { npm --version && node -e '$(NODE_NEW_ENOUGH)'; } >/dev/null 2>&1; then \
	  echo "Node.js 20 or newer is missing: GitHub Copilot is unavailable."; \
	  exit 0; \
	fi; \
	echo "Building $(COPILOT)"; \
	cd $(COPILOT) && { \
	  [ node_modules/.package-lock.json -nt package-lock.json ] || \
	    npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1; \
	} >$(CURDIR)/$(LOG) 2>&1 && npm run build >>$(CURDIR)/$(LOG) 2>&1 || { \
	  cat $(CURDIR)/$(LOG); \
	  echo "It cannot be built: GitHub Copilot is unavailable."; \
	}

javascript:
	@if [ ! -e tests/js/package.json ]; then exit 0; fi; \
	if ! npm --version >/dev/null 2>&1; then \
	  echo "Node.js is missing: the tests of the JavaScript clients are skipped."; \
	elif [ ! tests/js/node_modules/.installed -nt tests/js/package-lock.json ]; then \
	  echo "Installing tests/js"; \
	  (cd tests/js && npm ci --no-audit --no-fund --loglevel=error) >$(LOG) 2>&1 || \
	    { cat $(LOG); exit 1; }; \
	  touch tests/js/node_modules/.installed; \
	fi
