"""Structure sets: which CT they belong to, their ROIs and the contours of those that are meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from perisurv.cohort.dicom import DICOM_ERRORS, unreadable
from perisurv.cohort.dicom_layout import read_whole
from perisurv.cohort.references import References, images_of, listed_series, uid_of
from perisurv.cohort.rtstruct.contours import Contour, read_contour, without_copies
from perisurv.cohort.rtstruct.rois import RoiChoice, RoiEntry, RoiRules, choose_rois, plain_name
from perisurv.core import ReadError

__all__ = ["RTSTRUCT_CLASS", "Roi", "StructureSet", "read_structure_set"]

RTSTRUCT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"


@dataclass(frozen=True, slots=True, eq=False)
class Roi:
    """A region of interest.

    Parameters
    ----------
    entry
        How the structure set lists it.
    contours
        Its closed contours, each once.
    notes
        Which contours were passed over.
    problem
        Why the region is unknown; empty if it is known.
    """

    entry: RoiEntry
    contours: tuple[Contour, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def name(self) -> str:
        """Its name."""
        return self.entry.name


@dataclass(frozen=True, slots=True, eq=False)
class StructureSet:
    """A structure set and what it refers to.

    Parameters
    ----------
    name
        Path relative to the cohort folder, for messages.
    made
        StructureSetDate and StructureSetTime as written, ``20190225 111528``; empty where the date is missing.
    references
        The series, frames of reference and slices that it says it was drawn on.
    entries
        All its ROIs.
    choice
        What the rules chose among them.
    rois
        The chosen ones by number, read.
    sop_uid
        Its SOPInstanceUID.
    copies
        Other files that hold the same.
    """

    path: Path
    name: str
    patient_id: str
    made: str
    references: References
    entries: tuple[RoiEntry, ...]
    choice: RoiChoice
    rois: Mapping[int, Roi]
    sop_uid: str = ""
    copies: tuple[str, ...] = ()

    @property
    def frame_uids(self) -> frozenset[str]:
        """Frames of reference of the tumour; those of the whole set where its ROIs name none."""
        own = {e.frame_uid for e in self.entries if e.number in self.choice.tumour}
        every = self.references.frame_uids or frozenset(e.frame_uid for e in self.entries)
        return frozenset(own - {""}) or every - {""}

    def named(self) -> tuple[frozenset[str], ...]:
        """The images that each contour of the tumour names, of those that name any."""
        return tuple(c.images for n in self.choice.tumour for c in self.rois[n].contours if c.images)


def read_structure_set(path: Path, name: str, rules: RoiRules | RoiChoice) -> StructureSet:
    """Read a structure set and the ROIs that the rules, or an earlier choice, name.

    Raises
    ------
    ReadError
        If the file is not a whole structure set, or two ROIs carry one number.
    """
    try:
        dataset = read_whole(path, name)
        references = _references(dataset)
        entries = _entries(dataset, name)
        choice = rules if isinstance(rules, RoiChoice) else choose_rois(entries, rules)
        wanted = {*choice.tumour, *choice.others, *choice.lungs}
        rois = {e.number: _roi(dataset, e) for e in entries if e.number in wanted}
        patient_id = str(dataset.get("PatientID", "") or "").strip()
        sop_uid = uid_of(dataset, "SOPInstanceUID")
        made = " ".join(str(dataset.get(tag, "") or "").strip() for tag in ("StructureSetDate", "StructureSetTime"))
    except DICOM_ERRORS as error:
        wrong = f"{name} is not a whole RTSTRUCT ({type(error).__name__}); export it again."
        raise unreadable(name, error, wrong) from error
    if len(rois) < len(wanted):
        raise ReadError(f"{name} no longer holds the ROIs that were chosen in it; run index again.")
    made = made.strip() if made[:8].strip() else ""
    return StructureSet(path, name, patient_id, made, references, entries, choice, rois, sop_uid)


def _entries(dataset: Dataset, name: str) -> tuple[RoiEntry, ...]:
    types: dict[int, str] = {}
    for item in dataset.get("RTROIObservationsSequence") or ():
        if item.get("ReferencedROINumber") is not None:
            types.setdefault(int(item.ReferencedROINumber), str(item.get("RTROIInterpretedType", "") or "").strip())
    entries = []
    for item in dataset.StructureSetROISequence:
        number = int(item.ROINumber)
        frame = uid_of(item, "ReferencedFrameOfReferenceUID")
        entries.append(RoiEntry(number, plain_name(item.get("ROIName")), types.get(number, ""), frame))
    number, count = Counter(e.number for e in entries).most_common(1)[0] if entries else (0, 0)
    if count > 1:
        names = ", ".join(e.name for e in entries if e.number == number)
        raise ReadError(f"{name} gives the ROIs {names} one number ({number}); export it again.")
    return tuple(entries)


def _roi(dataset: Dataset, entry: RoiEntry) -> Roi:
    items = [r for r in dataset.get("ROIContourSequence") or () if int(r.ReferencedROINumber) == entry.number]
    if len(items) > 1:
        return Roi(entry, problem=f"ROIContourSequence lists it {len(items)} times; export it again")
    contours: list[Contour] = []
    passed_over: Counter[str] = Counter()
    for n, item in enumerate((items[0].get("ContourSequence") or ()) if items else (), start=1):
        try:
            contour = read_contour(item)
        except ReadError as error:
            return Roi(entry, problem=f"contour {n} {error}")
        if isinstance(contour, str):
            passed_over[contour] += 1
        else:
            contours.append(contour)
    kept = without_copies(contours)
    return Roi(entry, tuple(kept), tuple(_notes(passed_over, len(contours) - len(kept))))


def _notes(passed_over: Counter[str], copies: int) -> Iterable[str]:
    for what, count in passed_over.items():
        yield f"{count} {'contour' if count == 1 else 'contours'} {what} passed over"
    if copies:
        yield f"{copies} {'contour' if copies == 1 else 'contours'} drawn twice counted once"


def _references(dataset: Dataset) -> References:
    frames = list(dataset.get("ReferencedFrameOfReferenceSequence") or ())
    studies = [study for frame in frames for study in frame.get("RTReferencedStudySequence") or ()]
    series = [item for study in studies for item in study.get("RTReferencedSeriesSequence") or ()]
    found = ((uid_of(item, "SeriesInstanceUID"), images_of(item.get("ContourImageSequence"))) for item in series)
    frame_uids = {uid_of(frame, "FrameOfReferenceUID") for frame in frames}
    return References(listed_series(found), frozenset(frame_uids - {""}))
