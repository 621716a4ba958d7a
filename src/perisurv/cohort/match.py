"""DICOM files to the images of each patient."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perisurv.cohort.dicom import CT_CLASSES, CtHeader, CtSeries, DicomFile, ct_header, probe, quiet_pydicom
from perisurv.cohort.header_cache import HeaderCache, stamp_of
from perisurv.cohort.options import CohortOptions
from perisurv.cohort.pairing import Paired, newest, pair
from perisurv.cohort.pseudonym import patient_key
from perisurv.cohort.rtstruct import RTSTRUCT_CLASS, RoiRules, StructureSet, read_structure_set
from perisurv.cohort.sources import Source
from perisurv.core import Finding, ReadError

__all__ = ["Found", "Progress", "index_dicom"]

Progress = Callable[[str, int, int], None]

_FILES_A_REPORT = 100


@dataclass(frozen=True, slots=True)
class _Images:
    """The CT series and structure sets of one patient."""

    patient_id: str
    series: list[CtSeries] = field(default_factory=list)
    structures: list[StructureSet] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """What the images of a folder gave, each with the PatientID as written in the files: sources, failures, checks."""

    sources: list[tuple[str, Source]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    findings: list[tuple[str, tuple[Finding, ...]]] = field(default_factory=list)


def index_dicom(
    paths: Sequence[Path],
    root: Path,
    options: CohortOptions,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Found:
    """Read all headers, group slices to series and match each structure set with its CT.

    A structure set that names a series belongs to that series alone; one that names none belongs to the only CT
    of the patient in its frame of reference. CT series that no structure set refers to are left aside, as are
    localizers and other modalities. CT headers that lie in the cache are not read again.
    """
    found = Found()
    slices: dict[str, list[CtHeader]] = defaultdict(list)
    structures: list[StructureSet] = []
    secret = options.pseudonym_key if options.ids == "pseudonym" else ""
    with quiet_pydicom(), HeaderCache(cache, secret) as headers:
        for n, path in enumerate(paths, start=1):
            item = _read(path, path.relative_to(root).as_posix(), options, found, headers)
            if progress and (n % _FILES_A_REPORT == 0 or n == len(paths)):
                progress("index", n, len(paths))
            if isinstance(item, CtHeader):
                slices[item.series_uid].append(item)
            elif item is not None:
                structures.append(item)
    with quiet_pydicom():
        series = {uid: CtSeries.of(members, options.slice_tolerance) for uid, members in slices.items()}
        for patient in _patients(series, structures):
            _match_patient(patient, series, root, options, found)
    return found


def _read(
    path: Path, name: str, options: CohortOptions, found: Found, headers: HeaderCache
) -> CtHeader | StructureSet | None:
    file: DicomFile | None = None
    try:
        stamp = stamp_of(path, name)
        header = headers.get(path, name, stamp)
        if header is None:
            file = probe(path, name)
            if file is None:
                return None
            if file.sop_class not in CT_CLASSES and (file.sop_class or file.modality != "CT"):
                return _structures(file, options)
            header = ct_header(file)
            headers.put(header, stamp)
        return None if header.localizer else header
    except ReadError as error:
        found.failures.append((file.patient_id if file else "", f"unreadable file: {error}"))
        return None


def _structures(file: DicomFile, options: CohortOptions) -> StructureSet | None:
    """What is neither CT nor contours is passed over."""
    if file.sop_class != RTSTRUCT_CLASS and file.modality != "RTSTRUCT":
        return None
    if file.truncated:
        raise ReadError(f"{file.name} ends before its contours do; copy or export it again.")
    return read_structure_set(file.path, file.name, RoiRules(options.tumour_roi, options.other_lesions))


def _patients(series: Mapping[str, CtSeries], structures: Sequence[StructureSet]) -> list[_Images]:
    """The images of every patient, in the order of their keys; the first spelling of a PatientID stands for all."""
    patients: dict[str, _Images] = {}
    for member in series.values():
        for patient_id in {patient_key(h.patient_id): h.patient_id for h in member.slices}.values():
            patients.setdefault(patient_key(patient_id), _Images(patient_id)).series.append(member)
    for structure_set in structures:
        patient_id = structure_set.patient_id
        patients.setdefault(patient_key(patient_id), _Images(patient_id)).structures.append(structure_set)
    return [patients[key] for key in sorted(patients)]


def _match_patient(
    patient: _Images, series: Mapping[str, CtSeries], root: Path, options: CohortOptions, found: Found
) -> None:
    patient_id, key = patient.patient_id, patient_key(patient.patient_id)
    if not key:
        place = patient.structures[0].name if patient.structures else patient.series[0].folder
        found.failures.append(("", f"no PatientID: the DICOM header in {place} names no patient; fill it in."))
        return
    results = [pair(s, series, patient.series, root, options) for s in patient.structures]
    usable, set_aside = _chosen([r for r in results if r.source], options)
    sources = [r.source for r in usable if r.source]
    reasons = [r.reason for r in results if not r.source]
    found.findings.extend((patient_id, r.findings) for r in usable or results[:1])
    found.failures.extend((patient_id, reason) for reason in set_aside)
    found.sources.extend((patient_id, source) for source in sources)
    if sources or len(reasons) == 1:
        found.failures.extend((patient_id, reason) for reason in reasons)
    elif reasons:
        found.failures.append((patient_id, f"{reasons[0]} {len(reasons) - 1} more RTSTRUCT cannot be used either."))
    elif not any(patient_key(failed) == key for failed, _ in found.failures):
        folder = patient.series[0].folder
        found.failures.append((patient_id, f"no RTSTRUCT: the CT in {folder} comes without contours; export them."))


def _chosen(usable: list[Paired], options: CohortOptions) -> tuple[list[Paired], list[str]]:
    """Of several structure sets on one CT the newest, if that is asked for and known; and which were set aside."""
    if len(usable) < 2 or options.several_structure_sets != "newest":
        return usable, []
    if len({r.source.slices for r in usable if r.source}) > 1 or (best := newest(usable)) is None:
        return usable, []
    return [best], [
        f"older RTSTRUCT: {r.structures.name} is set aside for {best.structures.name}, which is newer."
        for r in usable
        if r is not best
    ]
