# Every command of the project; `make` alone lists them. Those that need Python packages or servers
# get them first, from package registries only, into .venv and .cache.
#
#   PYTHON=/path/to/python3   another interpreter for .venv
#   PYTEST_ARGS="-k words"    more arguments for pytest
#   REQUIRE_SERVERS=1         a server that cannot be had is a failure, not a skip
#   NO_APT=1                  never call apt-get
#   KAFKA_VERSION=3.9.1       another Kafka than that of deploy/kafka/pom.xml
#   ARGS="--rounds 1"         arguments of make bench
#   FAULTS_SOAK_MINUTES=30    faults at random for so long, after those of make test-faults

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
SERVERS := deploy/dev/servers.sh
PYTEST_ARGS ?=
DEMO_ARGS ?=
STACK_ARGS ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help audit bench demo demo-kafka stack test test-faults test-fast check lint format lock docs kafka \
	servers clean distclean venv venv-run wheel

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: venv-run ## Watch a simulated contact centre, without a broker
	@$(BIN)/firstreply demo $(DEMO_ARGS)

demo-kafka: venv-run kafka ## The same through a real Apache Kafka
	@$(BIN)/firstreply demo --kafka $(DEMO_ARGS)

stack: venv-run ## Kafka, a producer, the service, Prometheus and Alertmanager, on this machine
	@$(SERVERS) kafka prometheus alertmanager
	@$(BIN)/python -u -m firstreply.devkit.stack $(STACK_ARGS)

test: venv ## All tests, with real servers, and the coverage they must reach
	@$(SERVERS) kafka prometheus alertmanager chromium || true
	$(PYTEST) --cov --cov-report=term -m "not faults" $(PYTEST_ARGS)
	@echo "==> every branch of the domain"
	@$(BIN)/coverage report --include='*/domain/*' --fail-under=100

test-faults: venv ## Every fault on three real brokers, in at most an hour
	@$(SERVERS) kafka prometheus || true
	rm -f .cache/faults.jsonl
	$(PYTEST) tests/faults $(PYTEST_ARGS); status=$$?; \
		$(BIN)/python -m tests.faults.record; exit $$status

test-fast: venv ## The tests that need no server, in less than a minute
	$(PYTEST) -m "not servers and not slow" $(PYTEST_ARGS)

check: lint test ## Everything CI runs

lint: venv ## The static checks alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/yamllint --strict .
	$(BIN)/shellcheck deploy/*/*.sh tests/dashboards/schema/*.sh .ci/run
	$(BIN)/hadolint Dockerfile

audit: venv ## Look the locked packages up in PyPI's list of known vulnerabilities (needs pypi.org)
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements/lock.txt

bench: venv kafka ## What an event costs, beside Kafka Streams, Quix Streams and Faust (8 minutes)
	$(BIN)/python -u benchmarks/peers/bench.py $(ARGS)

format: venv ## Format the code and fix what can be fixed safely
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: venv ## Renew requirements/ after a change of dependencies (UPGRADE=1: newest versions)
	@deploy/dev/lock.sh $(BIN)/python $(if $(UPGRADE),--upgrade)

docs: venv ## Write the generated reference pages and deployment files anew
	$(BIN)/python -m firstreply.adapters.contract_reference docs/reference
	$(BIN)/python -m firstreply.devkit.stack_files deploy/compose
	deploy/dev/prometheusrule.sh > deploy/kubernetes/prometheus-operator/prometheusrule.yaml
	$(PYTEST) -m "not servers and not slow" -k reference --update-golden -q

wheel: venv ## Build a wheel into dist/, its hot modules compiled: needs a C compiler
	FIRSTREPLY_COMPILE=1 $(BIN)/python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .

kafka: ## Get Apache Kafka's jars (and Java, where Debian's packages are at hand)
	@$(SERVERS) kafka

servers: ## Get all servers that the tests use, and the browser
	@$(SERVERS) kafka prometheus alertmanager chromium

clean: ## Remove what the tools left behind
	rm -rf build dist htmlcov .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find service tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean ## Remove the virtual environment and the downloaded servers too
	rm -rf .venv .cache

venv:
	@deploy/dev/venv.sh dev

venv-run:
	@deploy/dev/venv.sh run
