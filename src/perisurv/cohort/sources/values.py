"""A last look at the values of a scan, once its pixels are read."""

from __future__ import annotations

from perisurv.cohort.checks import SCAN_CHECKS, ScanValues, first_reason
from perisurv.core import ReadError, Scan

__all__ = ["in_hounsfield_units"]


def in_hounsfield_units(scan: Scan) -> Scan:
    """The scan as it is.

    Raises
    ------
    ReadError
        If its values cannot be HU, whatever its header says.
    """
    values = ScanValues("the CT", scan.ct.values, scan.ct.values[scan.tumour.values])
    reason = first_reason(SCAN_CHECKS, values)
    if reason:
        raise ReadError(f"Patient {scan.patient}: {reason}")
    return scan
