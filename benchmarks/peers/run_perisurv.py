"""perisurv, timed in its own process."""

import time

BEGAN = time.perf_counter()

import argparse  # noqa: E402

import cases  # noqa: E402
import harness  # noqa: E402

from perisurv.core import Mask, Region, RegionSet, Scan, Volume  # noqa: E402
from perisurv.radiomics import ExtractOptions, extract  # noqa: E402

COMMON = ("morph", "stat", "ih", "ivh", "cm", "rlm", "szm", "dzm", "ngt", "ngl")


def options(task: argparse.Namespace) -> ExtractOptions:
    """The only place that knows how perisurv spells its settings."""
    filters = [{"kind": "log", "sigma_mm": sigma} for sigma in harness.SIGMAS_MM]
    filters += [{"kind": "wavelets", "wavelet": harness.WAVELET, "level": 1}]
    return ExtractOptions(
        resegment_hu=harness.RANGE_HU,
        bin_width_hu=harness.BIN_WIDTH_HU,
        filtered_bins=harness.FILTERED_BINS,
        filters=tuple(filters) if task.images == "filtered" else (),
        families=(*COMMON, "loc") if task.families == "every" else COMMON,
        autocorrelation=task.families == "every",
        ring_morphology=True,
        aggregation=task.aggregation,
    )


def prepared(task: argparse.Namespace) -> RegionSet:
    """Image and masks as they were written."""
    image, grid = cases.read(task.case / "image.nii.gz")
    masks = {name: cases.read(task.case / f"{name}.nii.gz")[0] > 0 for name in task.regions}
    regions = tuple(Region(name, Mask(mask, grid)) for name, mask in masks.items())
    return RegionSet("case", Volume(image, grid), regions)


def from_scan(task: argparse.Namespace) -> RegionSet:
    """Scan and mask on their native grid, resampled, with rings."""
    image, grid = cases.read(task.case / "image.nii.gz")
    mask, _ = cases.read(task.case / "mask.nii.gz")
    return cases.regions_of(Scan("case", Volume(image, grid), Mask(mask > 0, grid)))


def main() -> None:
    task = harness.parse()
    chosen = options(task)
    ready = None if task.from_scan else prepared(task)

    def work() -> int:
        return len(extract(ready or from_scan(task), chosen, threads=task.threads).names)

    families = [f if f != "morph" or chosen.autocorrelation else "morph without Moran, Geary" for f in chosen.families]
    harness.measure(task, work, families, BEGAN)


if __name__ == "__main__":
    main()
