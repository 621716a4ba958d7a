# Every target sets itself up: virtual environment, pinned dependencies, install.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check check-slow lint types contracts study study-null bench-study bench-simulation bench-geometry bench-lungs bench-ingest bench-discrimination bench-nested bench-lung1 bench-radiomics peers cases reference agreement pictures transcripts clean bench-lasso

demo: $(READY)  ## simulate a small cohort and run the whole method on it
	$(BIN)/perisurv demo

# In the order of the folders, so that the longest files do not come last; compiled modules are kept for the many processes.
test: export PYTHONDONTWRITEBYTECODE =
test: $(READY)  ## all tests but the slow ones
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

check: lint types contracts test  ## everything that CI runs

check-slow: $(READY)  ## the slow tests: kill -9 and resume, every bad input end to end
	$(BIN)/python -m pytest -m slow

lint: $(READY)
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports --no-logo

study: bench-study  ## the 303-patient study, at most an hour on two cores

bench-study: $(READY)
	$(BIN)/python benchmarks/study.py --signal full

study-null: $(READY)  ## the same study without any imaging signal
	$(BIN)/python benchmarks/study.py --signal none

bench-simulation: $(READY)
	$(BIN)/python benchmarks/simulation.py

bench-geometry: $(READY)  ## rings around analytic bodies, and what the usual ways give; five minutes
	$(BIN)/python benchmarks/geometry.py

bench-radiomics: $(READY) peers  ## perisurv beside pictologics and pyradiomics; about twenty minutes once they are built
	$(BIN)/python benchmarks/radiomics.py

bench-nested: $(READY)  ## the nested fit of the tabular branches, 303 x 5 000, 5 x 5 folds, 4 rings; three minutes
	$(BIN)/python benchmarks/nested.py

bench-lung1: $(READY)  ## nested C-indices on the public features of LUNG1, and the same with the outcome permuted
	$(BIN)/python benchmarks/lung1.py

bench-lungs: $(READY)  ## lungs, bones, airways and vessels against simulated truth and real contours; five minutes
	$(BIN)/python benchmarks/lungs.py

bench-ingest: $(READY)  ## a DICOM patient to rings beside platipy and dcmrtstruct2nii, an index of 100 000 headers
	benchmarks/peers/setup.sh platipy dcmrtstruct2nii
	$(BIN)/python benchmarks/ingest.py

bench-discrimination: $(READY)  ## C, bootstraps and AUC curves beside R, scikit-survival and lifelines where installed; four minutes
	$(BIN)/python benchmarks/discrimination.py

bench-lasso: $(READY)  ## LASSO-Cox paths and folds beside adelie, Coxnet and, where R is installed, glmnet; fifteen minutes
	benchmarks/peers/setup.sh adelie scikit-survival
	$(BIN)/python benchmarks/lasso.py

peers:  ## the peers of bench-radiomics, each in its own environment; compiling takes minutes, once
	benchmarks/peers/setup.sh pictologics pyradiomics

cases: $(READY)  ## images and masks of bench-radiomics and of the reference values of pyradiomics
	$(BIN)/python benchmarks/peers/cases.py benchmarks/.cache/radiomics

reference: $(READY)  ## the pages of features, checks and measurements, from the code and the results
	$(BIN)/python docs/make_reference.py

agreement: $(READY)  ## the page of how far every statistic lies from R; needs the test data
	$(BIN)/python docs/make_agreement.py

pictures: $(READY)  ## the pictures of the README, from the demo's artefacts
	$(BIN)/python docs/make_pictures.py

transcripts: $(READY)  ## the two transcripts of the documentation, printed again; four minutes
	$(BIN)/python docs/make_transcripts.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[archives,comparators,deep,dev]"
	touch $(READY)

clean:
	rm -rf $(VENV) runs .cache
