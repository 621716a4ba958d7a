"""The values of a DICOM CT, which its header may state wrongly."""

from __future__ import annotations

from perisurv.cohort.checks.base import Check, Verdict, not_applicable
from perisurv.cohort.checks.image import HounsfieldValues, ImageFile
from perisurv.cohort.ct import CtSeries, read_hu, sampled_hu
from perisurv.core import ReadError

__all__ = ["VALUE_CHECKS", "ValuesOfSeries"]

SLICES = 3


class ValuesOfSeries:
    """The values that rescale slope and intercept give can be HU of a chest."""

    id = "hu_values"
    title = "pixels plausible as HU"
    fault = "not HU"
    requires = "the pixels of a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """Look at a few slices, and at all before the CT is refused."""
        check, name = HounsfieldValues(), f"the CT in {series.folder}"
        try:
            verdict = check.judge(ImageFile(name, sampled_hu(series, SLICES)))
            return verdict if verdict.passed else check.judge(ImageFile(name, read_hu(series).values))
        except ReadError as error:  # said with all that follows from it once the scan is read
            return not_applicable(f"needs: {error}")


VALUE_CHECKS: tuple[Check[CtSeries], ...] = (ValuesOfSeries(),)
