"""``make bench-radiomics``: seconds and memory of perisurv's radiomics beside pictologics and pyradiomics.

Every engine runs in its own environment and process on the same image and masks: the CT phantom of the IBSI at 1 mm,
tumour and annuli 0-3, 0-6 and 0-9 mm, cropped with a margin of 20 mm. Processes of the engines take turns; a figure is
the median of all repeats after a warm-up. ``--only a,b`` runs some parts and writes no result.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from peers import cases, harness
from table import Row, publish

HERE = Path(__file__).parent
CASES = HERE / ".cache" / "radiomics"
PYTHON = {
    "perisurv": Path(sys.executable),
    "pictologics": HERE / ".envs" / "pictologics" / "bin" / "python",
    "pyradiomics": HERE / ".envs" / "pyradiomics" / "bin" / "python",
}
FILTERED = ("--images", "filtered")
IMAGES = {"original": "original image", "filtered": "original + 5 LoG + 8 coif1 images"}


@dataclass
class Engine:
    """One way to run one engine, and what its processes said."""

    name: str
    options: tuple[str, ...] = ()
    rounds: int = 3
    times_s: list[float] = field(default_factory=list)
    features: int = 0
    families: tuple[str, ...] = ()
    peak_mb: float = 0.0
    version: str = ""

    @property
    def seconds(self) -> float:
        return statistics.median(self.times_s)

    @property
    def label(self) -> str:
        return self.version + (", filters shared by hand" if "--shared" in self.options else "")


def engines(*, slow: bool = False) -> list[Engine]:
    """The engines of a comparison; pyradiomics takes minutes, so it has two runs and no warm-up."""
    found = [Engine("perisurv"), Engine("pictologics"), Engine("pictologics", ("--shared",))]
    return [*found, Engine("pyradiomics", ("--no-warm-up", "--repeats", "1"), rounds=2)] if slow else found


def python(engine: str, script: str, arguments: Iterable[str], *, threads: int = 1, **variables: str) -> str:
    """Output of a script in the environment of an engine, with this many threads."""
    count = str(threads)
    names = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    environment = os.environ | {f"{name}_NUM_THREADS": count for name in names} | variables
    command = [str(PYTHON[engine]), str(HERE / "peers" / script), *arguments]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def run(engine: Engine, folder: Path, options: Iterable[str], threads: int = 1) -> None:
    """One process; what it measured joins the rest."""
    arguments = [str(folder), "--threads", str(threads), "--repeats", "3", *options, *engine.options]
    found = json.loads(python(engine.name, f"run_{engine.name}.py", arguments, threads=threads).splitlines()[-1])
    engine.times_s += found["times_s"]
    engine.features, engine.families = found["features"], tuple(found["families"])
    engine.peak_mb = max(engine.peak_mb, found["peak_rss_mb"])
    engine.version = found["engine"]


def compare(found: list[Engine], folder: Path, *options: str, threads: int = 1) -> list[Engine]:
    """Run the engines in turns."""
    for number in range(max(engine.rounds for engine in found)):
        for engine in found:
            if number < engine.rounds:
                run(engine, folder, options, threads)
    return found


def rows_of(title: str, found: list[Engine], limit: float) -> list[Row]:
    """Seconds of each engine, then perisurv against each peer; the target is for pictologics."""
    rows = [Row(f"{title}: {e.label} (median of {len(e.times_s)})", e.seconds, "s") for e in found]
    ours = found[0].seconds
    for peer in found[1:]:
        if peer.name == "pyradiomics":
            ratio = peer.seconds / ours
            target, met = (">= 40", ratio >= 40) if "(b)" in title else ("", None)
            rows.append(Row(f"{title}: times faster than pyradiomics", ratio, "x", target, met))
            continue
        ratio = ours / peer.seconds
        rows.append(Row(f"{title}: perisurv / {peer.label}", ratio, "x", f"<= {limit:g}", ratio <= limit))
    return rows


def counts(title: str, found: list[Engine]) -> list[Row]:
    """How much each engine computed."""
    return [Row(f"{title}: {e.name} computes {', '.join(e.families)}", e.features, "features") for e in found]


@cache
def original() -> tuple[Engine, ...]:
    return tuple(compare(engines(slow=True), CASES / "phantom"))


@cache
def filtered() -> tuple[Engine, ...]:
    return tuple(compare(engines(slow=True), CASES / "phantom", *FILTERED))


def part_a() -> list[Row]:
    """One thread, original image; then with local intensity, Moran's I and Geary's C, and with averaged directions."""
    found = list(original())
    title = f"(a) one thread, {IMAGES['original']}"
    rows = rows_of(title, [e for e in found if "--shared" not in e.options], 0.5)
    rows += counts("(a)", [e for e in found if "--shared" not in e.options])
    every = compare([Engine("perisurv"), Engine("pictologics")], CASES / "phantom", "--families", "every")
    rows += rows_of("(a) and local intensity, Moran, Geary", every, 0.5) + counts("(a) and those", every)
    averaged = compare([Engine("perisurv", ("--aggregation", "3d_averaged"))], CASES / "phantom")
    return [*rows, Row("(a) perisurv, textures averaged over the directions", averaged[0].seconds, "s")]


def part_b() -> list[Row]:
    found = list(filtered())
    return rows_of(f"(b) one thread, {IMAGES['filtered']}", found, 0.5) + counts("(b)", found)


def part_scan() -> list[Row]:
    """From the native NIfTI files."""
    folder = cases.data_folder() / "ibsi1" / "ct_phantom" / "nifti"
    found = compare(engines(), folder, *FILTERED, "--from-scan")
    return rows_of("(b) from NIfTI with resampling and rings", found, 0.4)


def part_threads() -> list[Row]:
    return rows_of("(b) two threads", compare(engines(), CASES / "phantom", *FILTERED, threads=2), 0.5)


def part_sizes() -> list[Row]:
    """A large and a small tumour, with their rings."""
    rows = []
    for name, text in (("large", "tumour of 1.5 M voxels"), ("small", "tumour of 17 k voxels")):
        for letter, options in (("a", ()), ("b", FILTERED)):
            found = compare(engines()[: 2 if letter == "a" else 3], CASES / name, *options)
            rows += rows_of(f"({letter}) {text} and its rings", found, 0.5)
    return rows


def part_start() -> list[Row]:
    """From nothing to the first features; the import; a process with a warm cache."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [str(CASES / "small"), *FILTERED, "--families", "every", "--repeats", "0"]
        first, _ = timed(lambda: python("perisurv", "run_perisurv.py", arguments, NUMBA_CACHE_DIR=folder))
    rows = [Row("first features after a fresh install, every kernel compiled", first, "s", "< 25", first < 25)]
    noted = HERE / ".envs" / "pictologics" / "first_import_s"
    if noted.exists():
        rows.append(Row("pictologics: first import, as its set-up measured it", float(noted.read_text()), "s"))
    imports = {name: import_seconds(name) for name in ("perisurv", "perisurv.radiomics", "pictologics")}
    rows.append(Row("import perisurv", imports["perisurv"], "s", "< 0.3", imports["perisurv"] < 0.3))
    rows.append(Row("import perisurv.radiomics", imports["perisurv.radiomics"], "s"))
    rows.append(Row("pictologics: import, which makes it ready", imports["pictologics"], "s"))
    ready = [timed(lambda: python("perisurv", "ready_perisurv.py", [])) for _ in range(5)]
    seconds, memory = (statistics.median(values) for values in zip(*[(s, float(out)) for s, out in ready], strict=True))
    rows.append(Row("warm process ready: start, import, kernels loaded", seconds, "s", "< 1", seconds < 1))
    rows.append(Row("warm process ready: memory", memory, "MB", "< 250", memory < 250))
    return rows


def part_memory() -> list[Row]:
    rows = []
    for title, found in (("(a)", original()), ("(b)", filtered())):
        ours, least = found[0].peak_mb, min(e.peak_mb for e in found if e.name == "pictologics")
        rows += [Row(f"{title} peak memory: {e.label}", e.peak_mb, "MB") for e in found]
        rows.append(Row(f"{title} peak memory: perisurv / pictologics", ours / least, "x", "< 1", ours < least))
    return rows


def part_linear() -> list[Row]:
    """Seconds against region voxels on five sizes; what one more ring and one more image cost."""
    rows = []
    for title, options in (("(a)", ()), ("(b)", FILTERED)):
        sizes = sorted((region_voxels(name), ours(name, *options)) for name in (*cases.SCALES, "phantom"))
        voxels, seconds = (np.array(values) for values in zip(*sizes, strict=True))
        slope, fixed = np.polyfit(voxels, seconds, 1)
        left = seconds - slope * voxels - fixed
        rows += [Row(f"{title} perisurv, {n} region voxels", s, "s") for n, s in sizes]
        rows.append(Row(f"{title} fit: per region voxel", 1e9 * slope, "ns"))
        rows.append(Row(f"{title} fit: fixed", fixed, "s"))
        rows.append(Row(f"{title} fit: R2", 1 - left @ left / np.square(seconds - seconds.mean()).sum(), ""))
    everything, original_only = ours("phantom", *FILTERED), ours("phantom")
    without = ours("phantom", *FILTERED, "--regions", ",".join(harness.REGIONS[:-1]))
    share = everything * region_voxels("phantom", harness.REGIONS[-1:]) / region_voxels("phantom")
    ring, image = (everything - without) / share, (everything - original_only) / 13 / original_only
    rows.append(Row("(b) adding the ring 0-9 mm, of its share by voxels", ring, "x", "< 1", ring < 1))
    rows.append(Row("(b) adding an image, of the original image alone", image, "x", "< 1", image < 1))
    return rows


def ours(case: str, *options: str) -> float:
    return compare([Engine("perisurv", rounds=2)], CASES / case, *options)[0].seconds


def region_voxels(case: str, regions: Iterable[str] = harness.REGIONS) -> int:
    return sum(int(cases.read(CASES / case / f"{name}.nii.gz")[0].sum()) for name in regions)


def timed(work: Callable[[], str]) -> tuple[float, str]:
    start = time.perf_counter()
    output = work()
    return time.perf_counter() - start, output


def import_seconds(name: str) -> float:
    """Import in a new process, without the start of the interpreter; the first try warms the disk cache."""
    text = f"import time; t = time.perf_counter(); import {name}; print(time.perf_counter() - t)"
    command = [str(PYTHON[name.removesuffix(".radiomics")]), "-c", text]
    tries = [float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(6)]
    return statistics.median(tries[1:])


PARTS: dict[str, Callable[[], list[Row]]] = {
    "a": part_a,
    "b": part_b,
    "scan": part_scan,
    "threads": part_threads,
    "sizes": part_sizes,
    "start": part_start,
    "memory": part_memory,
    "linear": part_linear,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    chosen = parser.parse_args().only.split(",")
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    cases.main(CASES)
    rows = []
    for name in chosen:
        print(f"part {name} ...", file=sys.stderr, flush=True)
        rows += PARTS[name]()
    if set(chosen) == set(PARTS):
        publish("radiomics", rows, "make bench-radiomics")
        return
    for row in rows:
        print(f"{row.name}: {row.value:.4g} {row.unit} {row.target} {'' if row.met is None else row.met}")


if __name__ == "__main__":
    main()
