"""What came of contours and their CT, remembered: judged again only where a file or a setting has changed.

The key of a judgement is a digest of all that goes into it: every setting that touches images, and size and times of
the contours, of their copies and of every CT that they may belong to. What hangs on the pixels of a CT that could not
be decoded is never remembered: it may be decoded the next time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from perisurv.cohort.candidates import Structures
from perisurv.cohort.checks import CONTOUR_CHECKS, REFERENCE_CHECKS, VALUE_CHECKS
from perisurv.cohort.ct import CtSeries
from perisurv.cohort.dicom import CtHeader
from perisurv.cohort.dicomseg import Segmentation
from perisurv.cohort.header_cache import HeaderCache
from perisurv.cohort.options import CohortOptions
from perisurv.cohort.pairing import Paired, pair, picture_on, refused
from perisurv.cohort.sources import CtFiles, DicomSource, SegSource
from perisurv.core import Finding

__all__ = ["Judgements"]

# What reads no image: names of patients, clinical tables, and the choice among scans that were judged.
_OTHER_OPTIONS = frozenset(
    {"ids", "pseudonym_key", "columns", "clinical", "covariates", "levels", "several_cts", "several_structure_sets"}
)
_BY_PIXELS = frozenset(check.id for check in VALUE_CHECKS)
_BY_CONTOURS = frozenset(check.id for check in (*REFERENCE_CHECKS, *CONTOUR_CHECKS))


@dataclass(frozen=True, slots=True)
class Judgements:
    """Pairs contours with their CT, or remembers what came of it.

    Parameters
    ----------
    cache
        Where judgements are kept.
    root
        The cohort folder.
    options
        Of the study.
    slices
        Every CT slice by SeriesInstanceUID.
    series
        Their volumes.
    modalities
        Series and frames of reference that are no CT.
    """

    cache: HeaderCache
    root: Path
    options: CohortOptions
    slices: Mapping[str, Sequence[CtHeader]]
    series: Mapping[str, Sequence[CtSeries]]
    modalities: Mapping[str, str]

    def pair(self, structures: Structures, own: Sequence[CtSeries]) -> Paired:
        """As :func:`perisurv.cohort.pairing.pair`."""
        key = self._key(structures, own)
        known = self.cache.judgement(structures.name, key) if key else None
        if known is not None:
            return self._remembered(known, structures, own)
        paired = pair(structures, self.series, own, self.root, self.options, self.modalities)
        if key and _lasting(paired):
            self.cache.keep_judgement(structures.name, key, self._facts(paired, own))
        return paired

    def _key(self, structures: Structures, own: Sequence[CtSeries]) -> str:
        """Digest of all that is judged; empty where nothing is remembered."""
        if not self.cache.keeps:
            return ""
        listed = structures.references.series_uids
        uids = {*listed, *structures.references.frame_uids, *(e.frame_uid for e in structures.entries)}
        members = sorted({*listed & self.series.keys(), *(volume.uid for volume in own)})
        parts = (
            [(f.name, getattr(self.options, f.name)) for f in fields(CohortOptions) if f.name not in _OTHER_OPTIONS],
            [(name, self.cache.stamps.get(name)) for name in (structures.name, *structures.copies)],
            [volume.slices[0].name for volume in own],
            [(uid, self._files(uid)) for uid in members],
            sorted((uid, self.modalities[uid]) for uid in uids if uid in self.modalities),
        )
        return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def _files(self, uid: str) -> list[Any]:
        names = dict.fromkeys(header.name for header in self.slices[uid])
        return [(name, self.cache.stamps.get(name)) for name in names]

    def _volumes(self, structures: Structures, own: Sequence[CtSeries]) -> list[CtSeries]:
        """All that the contours may belong to, in an order that hangs on nothing else."""
        listed = sorted(structures.references.series_uids)
        return [*own, *(volume for uid in listed for volume in self.series.get(uid, ()))]

    def _facts(self, paired: Paired, own: Sequence[CtSeries]) -> dict[str, Any]:
        if paired.series is None:
            return {"reason": paired.reason}
        volumes = self._volumes(paired.structures, own)
        place = next(n for n, volume in enumerate(volumes) if volume is paired.series)
        found = [_plain(finding) for finding in paired.findings]
        return {"ct": place, "findings": found, "source": _told(paired.source) if paired.source else None}

    def _remembered(self, known: Mapping[str, Any], structures: Structures, own: Sequence[CtSeries]) -> Paired:
        if "reason" in known:
            picture = picture_on(own, structures, known["reason"], self.root, self.options)
            return Paired(structures, reason=known["reason"], picture=picture)
        series = self._volumes(structures, own)[known["ct"]]
        found = tuple(_finding(values) for values in known["findings"])
        if known["source"] is None:
            return refused(structures, series, found, self.root, self.options)
        source = _source(known["source"], structures, CtFiles.of(series), self.root, self.options)
        return Paired(structures, source, "", found, series=series)


def _lasting(paired: Paired) -> bool:
    """Whether the same files can give nothing else."""
    if paired.series is None:
        return True
    failed = next((f.id for f in paired.findings if f.passed is False), None)
    if failed is not None:
        return failed in _BY_CONTOURS and not isinstance(paired.structures, Segmentation)
    return all(f.passed for f in paired.findings if f.id in _BY_PIXELS)


def _plain(finding: Finding) -> dict[str, Any]:
    """As JSON takes it; numbers of numpy become those of Python."""
    passed = None if finding.passed is None else bool(finding.passed)
    value = None if finding.value is None else float(finding.value)
    return asdict(replace(finding, passed=passed, value=value))


def _finding(values: Mapping[str, Any]) -> Finding:
    plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return Finding(**plain)


def _told(source: DicomSource | SegSource) -> list[Any]:
    if isinstance(source, SegSource):
        return [source.roi, source.tumour, source.others, source.lungs, source.resample]
    return [source.roi, source.roi_numbers, source.other_numbers, source.lung_numbers, False]


def _source(
    told: Sequence[Any], structures: Structures, ct: CtFiles, root: Path, options: CohortOptions
) -> DicomSource | SegSource:
    roi, (tumour, others, lungs), resample = told[0], (tuple(numbers) for numbers in told[1:4]), told[4]
    if isinstance(structures, Segmentation):
        names = root, ct, structures.name, roi
        return SegSource(*names, tumour, others, options.mask_threshold, resample, lungs)
    return DicomSource(root, ct, structures.name, roi, tumour, others, options.between_slices, lungs)
