"""DICOM files to the images of each patient."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perisurv.cohort.candidates import DRAWN_ON, Structures, kind_of
from perisurv.cohort.copies import without_copies
from perisurv.cohort.ct import CtSeries, ct_headers, volumes_of
from perisurv.cohort.dicom import CT_CLASSES, CtHeader, DicomFile, OtherHeader, other_header, probe, quiet_pydicom
from perisurv.cohort.dicomseg import SEG_CLASSES, read_segmentation
from perisurv.cohort.header_cache import HeaderCache, Stamp
from perisurv.cohort.judged import Judgements
from perisurv.cohort.options import CohortOptions
from perisurv.cohort.pairing import Paired, newest, picture_on
from perisurv.cohort.pseudonym import patient_key
from perisurv.cohort.remembered import facts_of, structures_of
from perisurv.cohort.rtstruct import RTSTRUCT_CLASS, RoiRules, read_structure_set
from perisurv.cohort.sources import PictureSource, Source
from perisurv.core import Finding, ReadError

__all__ = ["Found", "Progress", "index_dicom"]

Progress = Callable[[str, int, int], None]
Item = tuple[CtHeader, ...] | Structures | OtherHeader

_FILES_A_REPORT = 100


@dataclass(frozen=True, slots=True)
class _Images:
    """The CT series, and the structure sets and DICOM SEG of one patient."""

    patient_id: str
    series: list[CtSeries] = field(default_factory=list)
    structures: list[Structures] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """What the images of a folder gave, each with the PatientID as written in the files.

    Parameters
    ----------
    sources, failures, findings
        Scans, reasons why there is none, and what the checks found.
    checked
        What the checks found of a scan.
    others
        Files of other modalities than CT and contours.
    pictures
        What may be drawn of patients without a scan, by :func:`patient_key`.
    people
        PatientID and folders of everybody whose files were met, by :func:`patient_key`.
    """

    sources: list[tuple[str, Source]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    findings: list[tuple[str, tuple[Finding, ...]]] = field(default_factory=list)
    checked: dict[Source, tuple[Finding, ...]] = field(default_factory=dict)
    others: list[OtherHeader] = field(default_factory=list)
    pictures: dict[str, PictureSource] = field(default_factory=dict)
    people: dict[str, tuple[str, set[str]]] = field(default_factory=dict)

    def meet(self, patient_id: str, name: str) -> None:
        """Note that a file, relative to the cohort folder, is of this patient; one that names nobody is passed over."""
        if key := patient_key(patient_id):
            self.people.setdefault(key, (patient_id.strip(), set()))[1].add(name.rpartition("/")[0] or ".")

    @property
    def modalities(self) -> dict[str, str]:
        """Series and frames of reference of other modalities by UID."""
        return {uid: o.modality for o in self.others for uid in (o.series_uid, o.frame_uid) if uid}


def index_dicom(
    paths: Sequence[Path],
    root: Path,
    options: CohortOptions,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Found:
    """Read all headers, group slices to the volumes of each series and match each structure set with its CT.

    A structure set or DICOM SEG that names a series belongs to that series alone; one that names none belongs to the
    only CT of the patient in its frame of reference. CT series that none refers to are left aside, as are localizers
    and other modalities. What lies in the cache is not read again, nor judged again where nothing of it has changed.
    """
    found = Found()
    slices: dict[str, list[CtHeader]] = defaultdict(list)
    structures: list[Structures] = []
    with quiet_pydicom(), HeaderCache(cache) as headers:
        for n, path in enumerate(paths, start=1):
            name = path.relative_to(root).as_posix()
            item = _read(path, name, options, found, headers)
            if progress and (n % _FILES_A_REPORT == 0 or n == len(paths)):
                progress("index", n, len(paths))
            if item:
                found.meet(item[0].patient_id if isinstance(item, tuple) else item.patient_id, name)
            if isinstance(item, tuple):
                slices[item[0].series_uid].extend(item)
            elif isinstance(item, OtherHeader):
                found.others.append(item)
            elif item is not None:
                structures.append(item)
        series = {uid: volumes_of(members, options.stack_rules) for uid, members in slices.items()}
        once, contradictions = without_copies(structures)
        found.failures.extend(contradictions)
        judgements = Judgements(headers, root, options, slices, series, found.modalities)
        for patient in _patients(series, once):
            _match_patient(patient, judgements, found)
    return found


def _read(path: Path, name: str, options: CohortOptions, found: Found, headers: HeaderCache) -> Item | None:
    """What a file holds, from the cache where it is known; None for a DICOMDIR and for what cannot be read."""
    file: DicomFile | None = None
    rules = RoiRules(options.tumour_roi, options.other_lesions, options.lung_rois)
    try:
        stamp = headers.stamp(path, name)
        known = headers.get(path, name, stamp)
        if isinstance(known, CtHeader | OtherHeader):
            return known if isinstance(known, OtherHeader) else (known,)
        if known and (structures := structures_of(known, path, name, rules)) is not None:
            return structures
        file = probe(path, name)
        return _of_file(file, known, stamp, rules, headers) if file else None
    except ReadError as error:
        patient_id = file.patient_id if file else ""
        found.meet(patient_id, name)
        found.failures.append((patient_id, f"unreadable file: {error}"))
        return None


def _of_file(
    file: DicomFile, known: Mapping[str, Any] | None, stamp: Stamp, rules: RoiRules, headers: HeaderCache
) -> Item:
    """What a file holds; ``known``: what was remembered of its contours, which the rules now ask for more of."""
    if file.sop_class in CT_CLASSES or (not file.sop_class and file.modality == "CT"):
        slices = ct_headers(file)
        if len(slices) == 1 and not slices[0].frame:
            headers.put(slices[0], stamp)
        return slices
    if file.sop_class not in SEG_CLASSES and file.sop_class != RTSTRUCT_CLASS and file.modality != "RTSTRUCT":
        other = other_header(file)
        headers.put(other, stamp)
        return other
    structures = _structures(file, rules)
    headers.put_facts(file.name, facts_of(structures, known), stamp)
    return structures


def _structures(file: DicomFile, rules: RoiRules) -> Structures:
    if file.sop_class in SEG_CLASSES:
        if file.truncated:
            raise ReadError(f"{file.name} ends before its segments do; copy or export it again.")
        return read_segmentation(file.path, file.name, rules)
    if file.truncated:
        raise ReadError(f"{file.name} ends before its contours do; copy or export it again.")
    return read_structure_set(file.path, file.name, rules)


def _patients(series: Mapping[str, Sequence[CtSeries]], structures: Sequence[Structures]) -> list[_Images]:
    """The images of every patient, in the order of their keys; the first spelling of a PatientID stands for all."""
    patients: dict[str, _Images] = {}
    for member in (volume for volumes in series.values() for volume in volumes):
        for patient_id in {patient_key(h.patient_id): h.patient_id for h in member.slices}.values():
            patients.setdefault(patient_key(patient_id), _Images(patient_id)).series.append(member)
    for structure_set in structures:
        patient_id = structure_set.patient_id
        patients.setdefault(patient_key(patient_id), _Images(patient_id)).structures.append(structure_set)
    return [patients[key] for key in sorted(patients)]


def _match_patient(patient: _Images, judgements: Judgements, found: Found) -> None:
    root, options = judgements.root, judgements.options
    patient_id, key = patient.patient_id, patient_key(patient.patient_id)
    if not key:
        place = patient.structures[0].name if patient.structures else patient.series[0].folder
        found.failures.append(("", f"no PatientID: the DICOM header in {place} names no patient; fill it in."))
        return
    results = [_judged(s, patient.series, judgements) for s in patient.structures]
    usable, set_aside = _chosen_of_each_ct([r for r in results if r.source], options)
    sources = [r.source for r in usable if r.source]
    found.checked.update((r.source, r.findings) for r in usable if r.source)
    reasons = list(dict.fromkeys(r.reason for r in results if not r.source))
    found.findings.extend((patient_id, r.findings) for r in usable or results[:1])
    found.failures.extend((patient_id, reason) for reason in set_aside)
    found.sources.extend((patient_id, source) for source in sources)
    if not sources:
        _keep_picture(patient, results, root, options, found)
    if sources:
        found.failures.extend((patient_id, reason) for reason in reasons)
    elif reasons:
        of_ct = [reason for reason in reasons if DRAWN_ON not in reason.partition(":")[0]]
        found.failures.append((patient_id, " ".join(of_ct or reasons)))
    elif not any(patient_key(failed) == key for failed, _ in found.failures):
        folder = patient.series[0].folder
        found.failures.append((patient_id, f"no RTSTRUCT: the CT in {folder} comes without contours; export them."))


def _judged(structures: Structures, own: Sequence[CtSeries], judgements: Judgements) -> Paired:
    try:
        return judgements.pair(structures, own)
    except ReadError as error:  # a remembered file that has gone since its folder was listed
        return Paired(structures, reason=f"unreadable file: {error}")


def _keep_picture(
    patient: _Images, results: Sequence[Paired], root: Path, options: CohortOptions, found: Found
) -> None:
    """Of several structure sets the first with a contour that may be drawn."""
    pictures = [r.picture for r in results if r.picture is not None]
    picture = next((p for p in pictures if p.numbers), None) or next(iter(pictures), None)
    picture = picture or (None if results else picture_on(patient.series, None, "", root, options))
    if picture is not None:
        found.pictures.setdefault(patient_key(patient.patient_id), picture)


def _chosen_of_each_ct(usable: list[Paired], options: CohortOptions) -> tuple[list[Paired], list[str]]:
    """Of the contours of each CT those that the study file prefers, and which were set aside."""
    by_ct: dict[tuple[tuple[str, int], ...], list[Paired]] = defaultdict(list)
    for paired in usable:
        if paired.source:
            by_ct[paired.source.ct.images].append(paired)
    chosen = [_chosen(group, options) for group in by_ct.values()]
    return [r for kept, _ in chosen for r in kept], [text for _, texts in chosen for text in texts]


def _chosen(usable: list[Paired], options: CohortOptions) -> tuple[list[Paired], list[str]]:
    """Of several contours of one CT those that the study file prefers, and which were set aside.

    Where it prefers none, or the preference decides nothing, all are left: two contours of one CT are never guessed.
    """
    prefer = options.several_structure_sets
    if len(usable) < 2 or prefer == "refuse":
        return usable, []
    if prefer == "newest":
        best = newest(usable)
        kept, why = [best] if best else [], "which is newer"
    else:
        kind = {"rtstruct": "RTSTRUCT", "seg": "DICOM SEG"}[prefer]
        kept, why = [r for r in usable if kind_of(r.structures) == kind], f"as several_structure_sets prefers {kind}"
    if not kept:
        return usable, []
    older = "older " if prefer == "newest" else ""
    return kept, [
        f"{older}{kind_of(r.structures)}: {r.structures.name} is set aside for {kept[0].structures.name}, {why}."
        for r in usable
        if r not in kept
    ]
