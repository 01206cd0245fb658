PYTHON ?= python3
RUN := .venv
TEST := .venv-test
DOCS := .venv-docs
# processes that the tests run in, 0 = all in one: two more than there are cores, since some tests wait for cameras and
# time-outs; a file's tests share one, the longest begin first (tests/support/forked.py)
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)

.PHONY: demo test train-smoke test-sources lint wheel bench bench-peers bench-tracking docs parity detectors fault-table test-faults mutants fuzz coverage test-oldest test-gpu sbom notices pins axe release-check clean

demo: $(RUN)/ready  ## a simulated flight through the bundled model; no torch
	$(RUN)/bin/edge demo --out out/demo

# all of lint, too. mypy runs beside the tests, which one process collects: what it says comes after them, and its
# failure fails all
test: $(TEST)/ready  ## everything that must hold
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .
	$(TEST)/bin/python -m tests.cuda_sim.build
	@mkdir -p build
	@$(TEST)/bin/mypy > build/mypy.txt 2>&1 & types=$$!; trap 'kill $$types; exit 130' INT TERM HUP; \
	PYTHONDONTWRITEBYTECODE= $(TEST)/bin/python -m pytest -p tests.support.forked --processes $(WORKERS) -m "not slow"; \
	tests=$$?; wait $$types; types=$$?; echo "mypy:"; cat build/mypy.txt; exit $$((tests ? tests : types))

test-sources: $(TEST)/ready  ## the long tests of what comes in and what is recorded
	$(TEST)/bin/python -m pytest -m slow tests/edge
	$(TEST)/bin/python -m pytest -rs tests/edge/camera/test_gstreamer.py tests/edge/camera/test_rtsp.py

train-smoke: $(TEST)/ready  ## part of make test: train on simulated 16-bit frames, beat a floor, fly the same
	$(TEST)/bin/python -m pytest tests/export/training/test_smoke.py --durations=1

lint: $(TEST)/ready
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .
	$(TEST)/bin/mypy

wheel: $(RUN)/ready  ## dist/*.whl with the bundled model inside
	$(RUN)/bin/pip wheel --quiet --no-deps --wheel-dir dist .

bench: $(RUN)/ready  ## every stage of the pipeline on this machine
	$(RUN)/bin/edge bench --json out/bench/bench.json --png out/bench/bench.png
	$(RUN)/bin/python benchmarks/speed/normalise.py
	$(RUN)/bin/python benchmarks/speed/correction.py
	$(RUN)/bin/python benchmarks/speed/simulator.py
	$(RUN)/bin/python benchmarks/speed/recording.py

bench-peers: $(TEST)/ready  ## torchvision, its ONNX, OpenVINO and a plain OpenCV loop beside ours, in one run; some minutes
	$(TEST)/bin/python -m benchmarks.peers --json benchmarks/results/peers.json
	$(TEST)/bin/python -m benchmarks.figures --write

# TrackEval, its scipy and trackforge lie in a folder of their own, without what else they would bring
TRACKING := build/tracking
bench-tracking: $(TEST)/ready  ## tracks and counts against the truth, trackforge beside; half an hour
	test -d $(TRACKING) || $(TEST)/bin/pip install --quiet --no-deps --target $(TRACKING) trackeval==1.3.0 scipy trackforge==0.4.0
	PYTHONPATH=$(TRACKING) $(TEST)/bin/python -m benchmarks.tracking
	$(TEST)/bin/python benchmarks/ground/counting.py

# strict: a link that leads nowhere fails, and so does a page that would load something from another host
docs: $(DOCS)/ready  ## site/index.html: the documentation, to be opened from the disk
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --quiet
	@echo "site/index.html"

# resumable, an hour and more; FRAMES is a folder of thermal frames of yours
parity: $(TEST)/ready  ## docs/parity.md: is every exported detector the one that torchvision runs, does it compile
	$(TEST)/bin/python -m pytest tests/export -m slow
	$(TEST)/bin/python benchmarks/exported/parity.py $(if $(FRAMES),--frames "$(FRAMES)")

detectors: $(TEST)/ready  ## detectors as users build them: the same after the export, or refused by name; some minutes
	$(TEST)/bin/python benchmarks/exported/detectors.py

fault-table: $(TEST)/ready  ## every CUDA and TensorRT error, simulated: what the user sees, what is released
	$(TEST)/bin/python -m tests.cuda_sim.build
	$(TEST)/bin/python -m tests.cuda_sim.faults docs/faults.md

# ROW: only rows with this in their name, archive: all of an archive; SEED, of kills and power cuts; KILLS, FRAMES of the long flight: fewer are quicker
test-faults: $(TEST)/ready  ## every fault of a flight and of an archive: what the user sees, what is kept; writes docs/faults.md and docs/archive.md; an hour and more
	$(TEST)/bin/python -m tests.cuda_sim.build
	$(TEST)/bin/python -m tests.faults --write docs/faults.md $(if $(ROW),--row "$(ROW)") $(if $(SEED),--seed $(SEED)) $(if $(KILLS),--kills $(KILLS)) $(if $(FRAMES),--frames $(FRAMES))
	$(TEST)/bin/python -m tests.faults.archive --write docs/archive.md $(if $(ROW),--row "$(ROW)")

# needs a driver and a torch that finds the GPU; pycuda is compiled, some minutes, where there is nvcc; each test that
# cannot run says why. Real TensorRT is tested where $(TEST) has it: $(TEST)/bin/pip install tensorrt
test-gpu: $(TEST)/ready  ## what any NVIDIA GPU can prove without TensorRT: driver, graphs, the detector in torch; 20 minutes
	PATH=/usr/local/cuda/bin:$$PATH $(TEST)/bin/pip install --quiet --no-deps --target build/pycuda pycuda || echo "pycuda cannot be built: ctypes only"
	$(TEST)/bin/python -m tests.gpu.run ctypes
	PYTHONPATH=build/pycuda $(TEST)/bin/python -m tests.gpu.run pycuda
	$(TEST)/bin/python -m tests.gpu.run tensorrt
	$(TEST)/bin/python -m tests.gpu.run rtx

# AREA: one of docs/testing.md's table or a file in it; SAMPLE changes in all, drawn by SEED; AGAIN=1: the survivors of last time
mutants: $(TEST)/ready  ## small wrong changes, one at a time: how many do the tests notice? an area takes some ten minutes
	$(TEST)/bin/python -m benchmarks.mutants $(AREA) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED)) $(if $(GUIDED),--guided) $(if $(JOBS),--jobs $(JOBS)) $(if $(AGAIN),--again)

coverage: $(TEST)/ready  ## lines and branches that the tests of these areas run; a few minutes
	$(TEST)/bin/python -m benchmarks.mutants $(AREA) --coverage

# the oldest Python and libraries that are promised to work: JetPack 6
PYTHON310 ?= python3.10
test-oldest:
	$(PYTHON310) -m venv .venv-oldest
	.venv-oldest/bin/pip install --quiet numpy==1.26.4 opencv-python==4.8.1.78 onnxruntime==1.18.1 rich==13.0.0 lap==0.5.12 zstandard==0.22.0 msgspec==0.18.6 tifffile==2023.7.10 imagecodecs==2023.3.16 tomli==2.0.0 onnx==1.17.0 starlette==0.40.0 uvicorn==0.30.0 pytest pytest-timeout hypothesis pymap3d geographiclib
	.venv-oldest/bin/pip install --quiet --no-deps -e .
	.venv-oldest/bin/python -m pytest tests/edge

# TARGET: names of `python -m tests.fuzz --list`; CASES of each, SEED; it stores what failed in tests/fuzz/kept
# GUIDED=1: led by the lines that the cases reach, with atheris, which is not installed by default
fuzz: $(TEST)/ready  ## nearly good files into every reader of what comes from outside; some minutes a target
	$(TEST)/bin/python -m tests.fuzz $(TARGET) $(if $(CASES),--cases $(CASES)) $(if $(SEED),--seed $(SEED))

# made of what $(RUN) holds now; cyclonedx-bom has an environment of its own
SBOM := build/sbom
sbom: $(RUN)/ready $(TEST)/ready $(SBOM)/ready  ## build/thermal-edge.cdx.json: every package of .venv and the bundled models, CycloneDX
	$(TEST)/bin/python -m tests.release.sbom build/thermal-edge.cdx.json --tool $(SBOM)/bin/cyclonedx-py --python $(RUN)/bin/python

notices: $(TEST)/ready  ## are the licences in THIRD_PARTY_NOTICES.md those of the packages that are installed?
	mkdir -p build
	$(TEST)/bin/python -m tests.release.notices > build/notices.md
	diff THIRD_PARTY_NOTICES.md build/notices.md && echo "THIRD_PARTY_NOTICES.md is what the installed packages say"

release-check: $(TEST)/ready  ## what must hold before a release (CONTRIBUTING.md); leaves wheel and source archive in dist/
	$(TEST)/bin/python -m tests.release.check

# packages are installed only if they are the files whose hashes stand in requirements/; of the demo for Python 3.10 and
# newer, of the tests for 3.11 and newer. PINNED=no: whatever the index has for pyproject.toml's ranges and constraints.txt
PINNED ?= yes
OF_TESTS := .[cluster,cptv,export,foxglove,mavlink,mqtt,parquet,signed,test,tiff,web]

$(RUN)/ready: pyproject.toml requirements/demo.txt
	$(PYTHON) -m venv $(RUN)
ifeq ($(PINNED),yes)
	$(RUN)/bin/pip install --quiet --require-hashes -r requirements/demo.txt
	$(RUN)/bin/pip install --quiet --no-deps --no-build-isolation -e .
else
	$(RUN)/bin/pip install --quiet -e .
endif
	touch $@

# openvino without its telemetry, which --no-deps leaves out: 59 MB; its tests are skipped where there is none;
# of cosmic-ray only the operators are used (see docs/testing.md): they need attrs and parso, not its other 20 packages;
# torch is installed first and by exact version: a range would fetch gigabytes more; its hashes are not asked for, since
# mirrors have builds of their own
$(TEST)/ready: pyproject.toml constraints.txt requirements/test.txt requirements/alone.txt
	$(PYTHON) -m venv $(TEST)
	$(TEST)/bin/pip install --quiet -c constraints.txt torch torchvision
ifeq ($(PINNED),yes)
	$(TEST)/bin/pip install --quiet --no-deps --require-hashes -r requirements/test.txt
	$(TEST)/bin/pip install --quiet --no-deps --require-hashes -r requirements/alone.txt
	$(TEST)/bin/pip install --quiet --no-deps --no-build-isolation -e '$(OF_TESTS)'
else
	$(TEST)/bin/pip install --quiet -c constraints.txt -e '$(OF_TESTS)' tensorrt-rtx
	$(TEST)/bin/pip install --quiet -c constraints.txt --no-deps attrs cosmic-ray coverage parso
endif
	$(TEST)/bin/pip install --quiet -c constraints.txt --no-deps openvino || echo "openvino cannot be installed here"
	touch $@

pins: $(TEST)/ready  ## requirements/*.txt anew: versions of constraints.txt, hashes of every platform's files
	test -x build/uv/bin/uv || { $(PYTHON) -m venv build/uv && build/uv/bin/pip install --quiet -c constraints.txt uv; }
	$(TEST)/bin/python -m tests.release.pins --uv build/uv/bin/uv

# MPL-2.0, of the tests of the page only: no part of what is shipped
AXE := build/axe
AXE_SHA256 := 29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
axe: $(AXE)/axe.min.js  ## axe-core: the tests of the page in a browser look for what shuts people out
$(AXE)/axe.min.js:
	mkdir -p $(AXE)
	cd $(AXE) && npm pack --silent axe-core@4.14.1 && tar xzf axe-core-4.14.1.tgz package/axe.min.js
	echo "$(AXE_SHA256)  $(AXE)/package/axe.min.js" | sha256sum --check --quiet
	mv $(AXE)/package/axe.min.js $@

$(SBOM)/ready: constraints.txt
	$(PYTHON) -m venv $(SBOM)
	$(SBOM)/bin/pip install --quiet -c constraints.txt cyclonedx-bom
	touch $@

$(DOCS)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@

clean:
	rm -rf $(RUN) $(TEST) $(DOCS) .venv-oldest build dist out site *.egg-info
