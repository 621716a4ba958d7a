"""Image and masks as NIfTI, NRRD or MetaImage: which mask is the tumour, and what the checks found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from perisurv.cohort.checks import IMAGE_CHECKS, MASK_CHECKS, ImageFile, Masks, findings
from perisurv.cohort.grids import Placed
from perisurv.cohort.layout import Files, patients_of
from perisurv.cohort.maskfiles import MaskFile, read_mask_file
from perisurv.cohort.match import Found
from perisurv.cohort.options import TUMOUR_ROI, CohortOptions
from perisurv.cohort.pseudonym import patient_key
from perisurv.cohort.roi_names import says_nothing, says_other
from perisurv.cohort.rtstruct import RoiChoice, RoiEntry, RoiRules, choose_rois, matching, taken
from perisurv.cohort.sources import PairSource, PictureSource
from perisurv.cohort.volumes import read_volume, segment_labels
from perisurv.core import Geometry, InputError

__all__ = ["index_pairs"]

# How the tumour was chosen where no name says it.
_BY_FILE = "being the only mask that is not said to be something else"

# One pair of each kind of layout, for messages.
_CALLED = "as in P1/image and P1/mask, P1_ct and P1_gtv, P1 and P1_mask, or images/P1 and labels/P1"
# A CT of the chest holds air, no mask does.
_AIR_HU = -200.0

Listed = tuple[tuple[RoiEntry, MaskFile], ...]


def index_pairs(volumes: Iterable[Path], root: Path, options: CohortOptions) -> Found:
    """Find image and tumour of every patient.

    ``tumour_roi`` chooses among the names of mask files, and of the segments in those of 3D Slicer. Where the study
    file sets none and no name says primary tumour, the only mask whose name says nothing (``mask``, ``seg``, ``label``,
    the patient) holds the tumour, if all others are organs, nodes or whatever else they say to be.
    """
    found = Found()
    for files in patients_of(volumes, root, partial(_is_ct, root=root)):
        try:
            _index(files, root, options, found)
        except InputError as error:
            _meet(files, root, found)
            _keep_picture(files, (), RoiChoice(), options, root, found)
            found.failures.append((files.patient, f"unreadable file: {error}"))
    return found


def _index(files: Files, root: Path, options: CohortOptions, found: Found) -> None:
    listed = _listed(files, root, options)
    entries = tuple(entry for entry, _ in listed)
    choice = _choice(entries, options)
    reason = _reason(files, entries, choice, root)
    if reason is not None:
        if reason:
            _meet(files, root, found)
            _keep_picture(files, listed, choice, options, root, found)
            found.failures.append((files.patient, reason))
        return
    _meet(files, root, found)
    image = files.images[0].relative_to(root).as_posix()
    values, grid = read_volume(files.images[0], image)
    read = partial(_read, listed=listed, root=root, threshold=options.mask_threshold, grid=grid)
    masks = Masks(_place(files, root), image, "mask", grid, entries, choice, options, read)
    checked = findings(IMAGE_CHECKS, ImageFile(image, values))
    if checked[-1].passed:
        checked += findings(MASK_CHECKS, masks)
    found.findings.append((files.patient, checked))
    broken = next((f for f in checked if f.passed is False), None)
    if broken is not None:
        _keep_picture(files, listed, choice, options, root, found)
        found.failures.append((files.patient, broken.reason))
        return
    by_number = {entry.number: mask for entry, mask in listed}
    tumour, others, lungs = (
        tuple(by_number[e.number] for e in chosen) for chosen in (masks.tumour, masks.others, masks.lungs)
    )
    source = PairSource(root, image, tumour, others, options.mask_threshold, masks.resampled, lungs)
    found.sources.append((files.patient, source))


def _keep_picture(
    files: Files, listed: Listed, choice: RoiChoice, options: CohortOptions, root: Path, found: Found
) -> None:
    """What may be drawn: the first image, and the tumour on it where one is chosen."""
    if not files.images:
        return
    masks = tuple(mask for entry, mask in listed if entry.number in choice.tumour)
    masks = masks if len(files.images) == 1 and not _several_may_be(choice) else ()
    remark = "" if masks else "Which mask is the tumour is not known." if listed else "There is no mask of this CT."
    image = files.images[0].relative_to(root).as_posix()
    picture = PictureSource(root, image=image, masks=masks, threshold=options.mask_threshold, remark=remark)
    found.pictures.setdefault(patient_key(files.patient), picture)


def _several_may_be(choice: RoiChoice) -> bool:
    return choice.rule == _BY_FILE and len(choice.tumour) > 1


def _meet(files: Files, root: Path, found: Found) -> None:
    for path in (*files.images, *(path for _, path in files.masks)):
        found.meet(files.patient, path.relative_to(root).as_posix())


def _listed(files: Files, root: Path, options: CohortOptions) -> Listed:
    """Every mask with a number: files, and each segment in one of 3D Slicer."""
    listed: list[tuple[str, MaskFile]] = []
    for name, path in files.masks:
        file = path.relative_to(root).as_posix()
        segments = segment_labels(path, file) if files.images else ()
        listed += [(segment, MaskFile(file, (label,))) for segment, label in segments]
        if not segments:
            listed.append((name, MaskFile(file, options.mask_labels)))
    return tuple((RoiEntry(n, name), mask) for n, (name, mask) in enumerate(listed))


def _choice(entries: tuple[RoiEntry, ...], options: CohortOptions) -> RoiChoice:
    rules = RoiRules(options.tumour_roi, options.other_lesions, options.lung_rois)
    choice = choose_rois(entries, rules)
    if choice.tumour or not set(TUMOUR_ROI) & set(options.tumour_roi):
        return choice
    others = taken(entries, rules) | set(matching(entries, rules.others))
    left = [e for e in entries if e.number not in others and not says_other(e.name)]
    if not left or not all(says_nothing(e.name) for e in left):
        return choice
    plain = tuple(e.number for e in left)
    return RoiChoice(_BY_FILE, plain, matching(entries, rules.others), matching(entries, rules.lungs))


def _reason(files: Files, entries: tuple[RoiEntry, ...], choice: RoiChoice, root: Path) -> str | None:
    """Why image and mask make no pair; empty if the files are none of ours, None if they make one."""
    place = _place(files, root)
    if not files.images:
        told = f"no image: {place} holds a mask but no image beside it; add the CT, called {_CALLED}."
        return told if choice.tumour else ""
    if not entries:
        return f"no mask: {place} holds an image but no mask beside it; add the mask of the tumour, called {_CALLED}."
    if len(files.images) > 1:
        listed = ", ".join(p.relative_to(root).as_posix() for p in files.images)
        return f"duplicate patient: {place} holds several images ({listed}); keep the CT that the masks were drawn on."
    if _several_may_be(choice):
        names = [entry.name for entry in entries if entry.number in choice.tumour]
        return (
            f"duplicate patient: {place} holds several masks that may be the tumour ({', '.join(names)}); keep one, or "
            f"name it under [cohort] in the study file: tumour_roi = [{{ exact = {json.dumps(names[0])} }}]."
        )
    return None


def _is_ct(path: Path, root: Path) -> bool:
    """Whether a file holds air; one that cannot be read may, so that its fault is told."""
    try:
        values, _ = read_volume(path, path.relative_to(root).as_posix())
    except InputError:
        return True
    return bool((values < _AIR_HU).any())


def _place(files: Files, root: Path) -> str:
    """A path below the cohort folder: a study without identities writes its number instead."""
    return "the cohort folder" if files.place == root else files.place.relative_to(root).as_posix()


def _read(
    numbers: tuple[int, ...], *, listed: Listed, root: Path, threshold: float | None, grid: Geometry
) -> Mapping[int, Placed]:
    masks = {entry.number: mask for entry, mask in listed if entry.number in numbers}
    return {n: read_mask_file(root / m.name, m.name, m.labels, threshold, grid) for n, m in masks.items()}
