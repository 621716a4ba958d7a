"""When the CT was taken. Read only for patients whose table says when time zero was; never stored."""

from __future__ import annotations

from dataclasses import replace

from pydicom import dcmread

from perisurv.cohort.clinical import ClinicalRow
from perisurv.cohort.clinical.dates import day_of
from perisurv.cohort.dicom import DICOM_ERRORS, quiet_pydicom
from perisurv.cohort.sources import PairSource, Source

__all__ = ["with_imaging_date"]


def with_imaging_date(row: ClinicalRow, source: Source) -> ClinicalRow:
    """The row with StudyDate (0008,0020) of the CT; as it is where the row has no dates or the CT none."""
    dates = row.dates
    if not (dates.zero or dates.death or dates.last) or isinstance(source, PairSource) or not source.ct.slices:
        return row
    try:
        with quiet_pydicom():
            header = dcmread(source.root / source.ct.slices[0], stop_before_pixels=True, specific_tags=["StudyDate"])
            taken = day_of(str(header.get("StudyDate", "") or ""))
    except DICOM_ERRORS:
        return row  # loading the scan will say what is wrong with the file
    return replace(row, dates=replace(dates, imaging=taken))
