"""CT slices to volumes: frames of multi-frame files, the volumes of a series, their grid and their HU."""

from perisurv.cohort.ct.enhanced import ct_headers
from perisurv.cohort.ct.leftover import drawable
from perisurv.cohort.ct.pixels import read_hu, same_pixels, sampled_hu
from perisurv.cohort.ct.series import CtSeries
from perisurv.cohort.ct.split import differences, volumes_of

__all__ = ["CtSeries", "ct_headers", "differences", "drawable", "read_hu", "same_pixels", "sampled_hu", "volumes_of"]
