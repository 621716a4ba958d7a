"""Where a scan can be read again: frozen, with paths relative to the cohort folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from perisurv.cohort.sources.dicom import DicomSource
from perisurv.cohort.sources.pair import PairSource
from perisurv.core import InputError

__all__ = ["DicomSource", "PairSource", "Source", "source_from_fields"]

Source = DicomSource | PairSource


def source_from_fields(fields: Mapping[str, str], root: Path) -> Source:
    """Inverse of ``describe``.

    Raises
    ------
    InputError
        If the fields are not those of a source.
    """
    try:
        if fields["kind"] == "dicom":
            return DicomSource.from_fields(fields, root)
        if fields["kind"] == "pair":
            return PairSource(root, fields["image"], fields["mask"])
    except (KeyError, ValueError) as error:
        raise InputError(f"A source of the cohort table is damaged ({error!r}); run index again.") from error
    raise InputError(f"Unknown kind of source {fields['kind']!r}; there are 'dicom' and 'pair'.")
