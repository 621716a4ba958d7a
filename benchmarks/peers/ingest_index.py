"""An index of many DICOM headers on one core: ``ingest_index.py LUNG1-001 FOLDER FILES``.

Writes the CT of LUNG1-001 again and again under other identifiers, one folder a patient: whole headers, and pixels as
holes in the file, which take no room on the disk. The patient itself lies there too, with its contours.
"""

from __future__ import annotations

import io
import json
import os
import resource
import shutil
import sys
import time
from pathlib import Path

import ingest_clock  # noqa: F401  (sets one core before numpy loads)
from pydicom import dcmread

from perisurv.cohort import read_cohort

_PIXELS = 12  # tag, VR and length of the pixel data


def headers(ct: Path) -> list[tuple[bytes, int]]:
    """Every slice up to its pixel values, and the length of the whole file."""
    found = []
    for path in sorted(ct.glob("*.dcm")):
        with path.open("rb") as file:
            dcmread(file, stop_before_pixels=True)
            end = file.tell() + _PIXELS
        found.append((path.read_bytes()[:end], path.stat().st_size))
    return found


def renamed(header: bytes, patient: int) -> bytes:
    """The header under the identifiers of another patient, all as long as they were."""
    data = dcmread(io.BytesIO(header), stop_before_pixels=True)
    for tag in ("PatientID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
        old = str(data[tag].value)
        header = header.replace(old.encode(), f"{old[:-6]}{patient:06d}".encode())
    return header


def write(ct: Path, root: Path, files: int) -> None:
    """``files`` slices in folders of one series each."""
    slices = headers(ct)
    for n in range(files):
        patient, k = divmod(n, len(slices))
        folder = root / f"copy-{patient:05d}"
        folder.mkdir(exist_ok=True)
        header, size = slices[k]
        with (folder / f"{k:03d}.dcm").open("wb") as file:
            file.write(renamed(header, patient))
            file.truncate(size)


def seconds(root: Path, cache: Path) -> tuple[float, float]:
    """One index, by the clock and by the processor; only the patient with contours and follow-up can be used."""
    start, start_cpu = time.perf_counter(), time.process_time()
    cohort = read_cohort(root, cache=cache)
    took = time.perf_counter() - start, time.process_time() - start_cpu
    if len(cohort) != 1:
        raise SystemExit(f"{len(cohort)} patients found, 1 was expected")
    return took


def main() -> None:
    data, root, files = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    structures = next(p for p in data.rglob("*.dcm") if "rtstruct" in str(p).lower())
    ct = next(p.parent for p in data.rglob("*.dcm") if p.parent != structures.parent)
    own = len(list(ct.glob("*.dcm"))) + 1
    for path in (*ct.glob("*.dcm"), structures):
        shutil.copyfile(path, root / path.name)
    write(ct, root, files - own)
    os.sync()
    (root / "clinical.csv").write_text("PatientID,Survival.time,deadstatus.event\nLUNG1-001,2165,1\n")
    cache = root / "headers.jsonl"
    first, again = seconds(root, cache), seconds(root, cache)
    result = {"first_s": first[0], "first_cpu_s": first[1], "again_s": again[0]}
    result["cache_mb"] = cache.stat().st_size / 2**20
    result["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result))


if __name__ == "__main__":
    main()
