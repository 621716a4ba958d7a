"""What a RTSTRUCT and a DICOM SEG add to an index on one core: ``ingest_contours.py LUNG1-001 FOLDER PATIENTS``.

Writes the CT of LUNG1-001, its structure set and a SEG of its tumour again and again under other identifiers, and
takes the time of an index with the CTs alone, with structure sets and with SEG: the difference, by the number of files.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path

import highdicom
import ingest_clock  # noqa: F401  (sets one core before numpy loads)
from pydicom import Dataset, dcmread
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from perisurv.cohort import read_cohort
from perisurv.core import EmptyCohortError

UIDS = frozenset(
    {
        "SOPInstanceUID",
        "SeriesInstanceUID",
        "FrameOfReferenceUID",
        "ReferencedSOPInstanceUID",
        "ReferencedFrameOfReferenceUID",
        "StudyInstanceUID",
    }
)
KINDS = ("none", "rtstruct", "seg")
REPEATS = 15


def renamed(data: Dataset, patient: int) -> Dataset:
    """The file under the identifiers of another patient, references too."""

    def change(_: Dataset, element: object) -> None:
        if element.keyword in UIDS:
            element.value = generate_uid(entropy_srcs=[str(element.value), str(patient)])

    data.walk(change)
    data.PatientID = f"copy-{patient:05d}"
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return data


def write_seg(path: Path, ct: list[Dataset], tumour: object) -> None:
    """The tumour of the structure set as a binary segment on the slices of the CT."""
    kind = codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm
    segment = highdicom.seg.SegmentDescription(1, "GTV-1", *kind, "MANUAL")
    names = generate_uid(), 1, generate_uid(), 1, "perisurv", "benchmark", "1", "0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        highdicom.seg.Segmentation(ct, tumour, "BINARY", [segment], *names).save_as(path)


def seconds(root: Path, kind: str) -> float:
    """One index, time of the processor, as the differences are small."""
    start = time.process_time()
    with suppress(EmptyCohortError):  # of CTs alone
        read_cohort(root / kind, cache=root / f"{kind}.jsonl", follow_up="none")
    return time.process_time() - start


def write(data: Path, root: Path, patients: int) -> None:
    """A folder a kind: the same CTs with structure sets, with SEG, with neither."""
    structures = next(p for p in data.rglob("*.dcm") if "rtstruct" in str(p).lower())
    slices = sorted(p for p in data.rglob("*.dcm") if p.parent != structures.parent)
    tumour = read_cohort(data, follow_up="none").patients[0].load().tumour.values
    for n in range(patients):
        folders = {kind: root / kind / f"copy-{n:05d}" for kind in KINDS}
        for folder in folders.values():
            folder.mkdir(parents=True)
        ct = [renamed(dcmread(path), n) for path in slices]
        ct.sort(key=lambda d: float(d.ImagePositionPatient[2]))
        for k, one in enumerate(ct):
            one.save_as(folders["none"] / f"{k:03d}.dcm")
            for kind in KINDS[1:]:
                (folders[kind] / f"{k:03d}.dcm").hardlink_to(folders["none"] / f"{k:03d}.dcm")
        renamed(dcmread(structures), n).save_as(folders["rtstruct"] / "contours.dcm")
        write_seg(folders["seg"] / "contours.dcm", ct, tumour)


def main() -> None:
    data, root, patients = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    write(data, root, patients)
    for kind in KINDS:  # once for what is loaded and compiled
        seconds(root, kind)
        (root / f"{kind}.jsonl").unlink()
    times = {kind: [seconds(root, kind)] for kind in KINDS}
    for _ in range(REPEATS):
        for kind in KINDS:
            times[kind].append(seconds(root, kind))
    said = {}
    for kind in KINDS[1:]:
        first = times[kind][0] - times["none"][0]
        again = statistics.median(times[kind][1:]) - statistics.median(times["none"][1:])
        said |= {f"{kind}_first_ms": 1000 * first / patients, f"{kind}_again_ms": 1000 * again / patients}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
