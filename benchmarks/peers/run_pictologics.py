"""pictologics, timed in its own process.

Without ``--shared``: the way its documentation goes, one ``run`` a mask with one configuration an image, which filters
around each mask. With ``--shared``: its filters called once for all masks, each image then run by itself.
"""

import time

BEGAN = time.perf_counter()

import argparse  # noqa: E402
from collections.abc import Callable, Mapping  # noqa: E402
from dataclasses import replace  # noqa: E402
from typing import Any  # noqa: E402

import harness  # noqa: E402
import numpy as np  # noqa: E402
from pictologics import Image, RadiomicsPipeline, load_image  # noqa: E402
from pictologics.filters import laplacian_of_gaussian, wavelet_transform  # noqa: E402
from pictologics.preprocessing import grow_mask, resample_image, resegment_mask  # noqa: E402

COMMON = ["intensity", "morphology", "texture", "histogram", "ivh"]  # its default
EVERY = [*COMMON, "spatial_intensity", "local_intensity"]
FILTERED = ["intensity", "texture", "histogram", "ivh"]

FILTERS: list[dict[str, Any]] = [
    *({"type": "log", "sigma_mm": sigma, "boundary": "mirror"} for sigma in harness.SIGMAS_MM),
    *(
        {"type": "wavelet", "wavelet": harness.WAVELET, "level": 1, "decomposition": band, "boundary": "mirror"}
        for band in harness.SUBBANDS
    ),
]
REACH_VOXELS = {"log": 22, "wavelet": 8}

Masks = Mapping[str, Image]


def step(name: str, **params: Any) -> dict[str, Any]:
    return {"step": name, "params": params}


RESEGMENT = step("resegment", range_min=harness.RANGE_HU[0], range_max=harness.RANGE_HU[1], apply_to="intensity")
BINS = step("discretise", method="FBS", bin_width=harness.BIN_WIDTH_HU, min_val=harness.RANGE_HU[0])
FILTERED_BINS = step("discretise", method="FBN", n_bins=harness.FILTERED_BINS)


def prepared(task: argparse.Namespace) -> tuple[Image, Masks]:
    image = load_image(str(task.case / "image.nii.gz"))
    paths = {name: str(task.case / f"{name}.nii.gz") for name in task.regions}
    return image, {n: load_image(path, reference_image=image, stored_type=True) for n, path in paths.items()}


def from_scan(task: argparse.Namespace) -> tuple[Image, Masks]:
    image = load_image(str(task.case / "image.nii.gz"))
    mask = load_image(str(task.case / "mask.nii.gz"), reference_image=image, stored_type=True)
    image = resample_image(image, (1.0, 1.0, 1.0), interpolation="cubic", round_intensities=True)
    tumour = resample_image(mask, (1.0, 1.0, 1.0), interpolation="linear", mask_threshold=0.5)
    rings = {f"ring_{width:g}mm": grow_mask(tumour, to_mm=width, from_mm=0.0) for width in harness.WIDTHS_MM}
    return image, {"tumour": tumour, **rings}


def by_pipeline(task: argparse.Namespace) -> Callable[[Image, Masks], int]:
    pipeline = RadiomicsPipeline(load_standard=False)
    families = EVERY if task.families == "every" else COMMON
    pipeline.add_config("original", [RESEGMENT, BINS, step("extract_features", families=families)])
    for number, params in enumerate(FILTERS if task.images == "filtered" else ()):
        steps = [RESEGMENT, step("filter", **params), FILTERED_BINS, step("extract_features", families=FILTERED)]
        pipeline.add_config(f"filtered_{number}", steps)

    def work(image: Image, masks: Masks) -> int:
        found = [series for mask in masks.values() for series in pipeline.run(image, mask).values()]
        pipeline.clear_log()
        return sum(len(series) for series in found)

    return work


def by_hand(task: argparse.Namespace) -> Callable[[Image, Masks], int]:
    pipeline = RadiomicsPipeline(load_standard=False)
    families = EVERY if task.families == "every" else COMMON
    pipeline.add_config("original", [RESEGMENT, BINS, step("extract_features", families=families)])
    pipeline.add_config("filtered", [FILTERED_BINS, step("extract_features", families=FILTERED)])

    def work(image: Image, masks: Masks) -> int:
        found = [pipeline.run(image, mask, config_names=["original"])["original"] for mask in masks.values()]
        inside = {n: resegment_mask(image, mask, *harness.RANGE_HU) for n, mask in masks.items()}
        for params in FILTERS if task.images == "filtered" else ():
            response = filtered(image, masks, params)
            found += [pipeline.run(response, mask, config_names=["filtered"])["filtered"] for mask in inside.values()]
        pipeline.clear_log()
        return sum(len(series) for series in found)

    return work


def filtered(image: Image, masks: Masks, params: Mapping[str, Any]) -> Image:
    """One filtered image, computed around all masks only."""
    kind, settings = params["type"], {k: v for k, v in params.items() if k != "type"}
    reach = REACH_VOXELS[kind]
    box = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        hits = np.concatenate([np.flatnonzero(mask.array.any(axis=others)) for mask in masks.values()])
        box.append(slice(max(hits.min() - reach, 0), hits.max() + reach + 1))
    run = laplacian_of_gaussian if kind == "log" else wavelet_transform
    values = np.zeros(image.array.shape)
    values[tuple(box)] = run(image.array[tuple(box)], **settings)
    return replace(image, array=values)


def main() -> None:
    task = harness.parse()
    run = by_hand(task) if task.shared else by_pipeline(task)
    ready = None if task.from_scan else prepared(task)
    families = EVERY if task.families == "every" else COMMON
    harness.measure(task, lambda: run(*(ready or from_scan(task))), families, BEGAN)


if __name__ == "__main__":
    main()
