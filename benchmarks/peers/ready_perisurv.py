"""A process that becomes ready: the radiomics imported, every kernel of the default options loaded from the cache."""

import resource

import numpy as np

from perisurv.core import Geometry, Mask, Region, RegionSet, Volume
from perisurv.radiomics import ExtractOptions, extract

grid = Geometry((16, 16, 16), (1.0, 1.0, 1.0))
k, j, i = np.indices(grid.shape) - 8
ball = Mask(k**2 + j**2 + i**2 <= 25, grid)
regions = RegionSet("ball", Volume(10.0 * k + 7.0 * j - 3.0 * i, grid), (Region("tumour", ball),))
extract(regions, ExtractOptions())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
