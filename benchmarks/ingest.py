"""``make bench-ingest``: a real DICOM patient from files to rings on one core, and an index of many headers.

The patient is LUNG1-001 of the test data (512 x 512 x 134). Every engine runs in its own environment and process, the
processes take turns, a figure is the median of all repeats after a warm-up. The index reads 100 000 files: copies of
the headers of that CT with other identifiers, one folder a patient.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from table import Row, publish

HERE = Path(__file__).parent
DATA = Path(os.environ.get("PERISURV_TEST_DATA", HERE.parent.parent / "shared" / "data")) / "lung1_001"
PEERS = ("platipy", "dcmrtstruct2nii")
SECONDS, MEGABYTES, HEADER_MS = 4.0, 1500.0, 4.0


def process(engine: str, repeats: int) -> dict[str, object]:
    """What one process of an engine printed."""
    if engine == "perisurv":
        command = [sys.executable, "ingest_perisurv.py", DATA, repeats]
    else:
        command = [HERE / ".envs" / engine / "bin" / "python", "ingest_simpleitk.py", DATA, repeats, engine]
    run = subprocess.run([str(c) for c in command], cwd=HERE / "peers", capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"{engine} failed:\n{run.stderr[-2000:]}")
    return dict(json.loads(run.stdout.splitlines()[-1]))


def patient(rounds: int, repeats: int) -> Iterator[Row]:
    """One patient by every engine."""
    seconds: dict[str, list[float]] = {engine: [] for engine in ("perisurv", *PEERS)}
    megabytes: dict[str, float] = dict.fromkeys(seconds, 0.0)
    for _ in range(rounds):
        for engine in seconds:
            said = process(engine, repeats)
            seconds[engine] += said["times_s"]
            megabytes[engine] = max(megabytes[engine], float(said["peak_rss_mb"]))
    own_s, own_mb = statistics.median(seconds["perisurv"]), megabytes["perisurv"]
    what = "LUNG1-001, 512 x 512 x 134: CT + contour + resample + rings + lungs"
    yield Row(f"{what}, perisurv", own_s, "s", f"<= {SECONDS:g}", own_s <= SECONDS)
    yield Row(f"{what}, perisurv, peak memory", own_mb, "MB", f"<= {MEGABYTES:g}", own_mb <= MEGABYTES)
    for peer in PEERS:
        their_s = statistics.median(seconds[peer])
        yield Row(f"{what}, {peer} + SimpleITK", their_s, "s")
        yield Row(f"perisurv / {peer} + SimpleITK, time", own_s / their_s, "ratio", "< 1", own_s < their_s)
        ratio = own_mb / megabytes[peer]
        yield Row(f"perisurv / {peer} + SimpleITK, peak memory", ratio, "ratio", "< 1", ratio < 1)


def index(files: int) -> Iterator[Row]:
    """Headers of many patients: first index, and once more."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(HERE / "peers" / "ingest_index.py"), str(DATA), folder, str(files)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            raise SystemExit(f"the index failed:\n{run.stderr[-2000:]}")
        said = json.loads(run.stdout.splitlines()[-1])
    each = 1000 * said["first_s"] / files
    yield Row(f"index of {files} DICOM headers, each", each, "ms", f"<= {HEADER_MS:g}", each <= HEADER_MS)
    yield Row("the same index, each, time of the processor", 1000 * said["first_cpu_s"] / files, "ms")
    yield Row("the same index again, each", 1000 * said["again_s"] / files, "ms")
    yield Row("the same index, peak memory", said["peak_rss_mb"], "MB")
    yield Row("what it keeps for the next index", said["cache_mb"], "MB")


def contours(patients: int) -> Iterator[Row]:
    """What structure sets and SEG add to an index: the first time, and once they are known."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "ingest_contours.py", str(DATA), folder, str(patients)]
        run = subprocess.run(command, cwd=HERE / "peers", capture_output=True, text=True, check=False)
        if run.returncode:
            raise SystemExit(f"the index of contours failed:\n{run.stderr[-2000:]}")
        said = json.loads(run.stdout.splitlines()[-1])
    for kind, name in (("rtstruct", "RTSTRUCT"), ("seg", "DICOM SEG")):
        what = f"what a {name} of LUNG1-001 and its checks add to an index, time of the processor"
        yield Row(what, said[f"{kind}_first_ms"], "ms")
        yield Row(f"{what}, again", said[f"{kind}_again_ms"], "ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--contours", type=int, default=10)
    task = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"There is no LUNG1-001 in {DATA}; set PERISURV_TEST_DATA to the test data (README).")
    other = shlex.join(["python", "benchmarks/ingest.py", *sys.argv[1:]])
    rows = [*patient(task.rounds, task.repeats), *index(task.files), *contours(task.contours)]
    publish("ingest", rows, other if sys.argv[1:] else "make bench-ingest")


if __name__ == "__main__":
    main()
