"""Regions of one patient as a folder: whole HU, packed masks, JSON. No pickle, the same bytes for the same regions."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Geometry, Mask, ReadError, Region, RegionSet, Volume

__all__ = ["load_regions", "save_regions"]

FORMAT = 1
_EPOCH = (1980, 1, 1, 0, 0, 0)


def save_regions(folder: Path | str, regions: RegionSet) -> None:
    """Write the regions whole or not at all; an older version is replaced."""
    folder = Path(folder)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    arrays: dict[str, NDArray[Any]] = {"image": np.rint(regions.image.values).astype(np.int16)}
    for number, region in enumerate(regions):
        arrays[f"mask_{number}"] = np.packbits(region.mask.values)
    with zipfile.ZipFile(temporary / "voxels.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), buffer.getvalue(), zipfile.ZIP_DEFLATED)
    text = {
        "format": FORMAT,
        "patient": regions.patient,
        "geometry": asdict(regions.image.geometry),
        "regions": [{"name": r.name, "audit": dict(r.audit)} for r in regions],
        "acquisition": dict(regions.acquisition),
    }
    (temporary / "regions.json").write_text(json.dumps(text, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    temporary.replace(folder)


def load_regions(folder: Path | str) -> RegionSet:
    """Read what :func:`save_regions` wrote.

    Raises
    ------
    ReadError
        If the folder is no complete set of regions.
    """
    folder = Path(folder)
    try:
        text = json.loads((folder / "regions.json").read_text(encoding="utf-8"))
        if text["format"] != FORMAT:
            raise ReadError(f"{folder} holds regions of format {text['format']}, this version reads {FORMAT}.")
        grid = text["geometry"]
        x, y, z = (tuple(row) for row in grid["direction"])
        geometry = Geometry(tuple(grid["shape"]), tuple(grid["spacing_mm"]), tuple(grid["origin_mm"]), (x, y, z))
        with np.load(folder / "voxels.npz", allow_pickle=False) as archive:
            image = Volume(archive["image"].astype(np.float32), geometry)
            regions = tuple(
                Region(entry["name"], Mask(_unpack(archive[f"mask_{number}"], geometry), geometry), entry["audit"])
                for number, entry in enumerate(text["regions"])
            )
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ReadError(f"{folder} holds no readable regions ({error}); run the stage regions again.") from error
    return RegionSet(text["patient"], image, regions, text["acquisition"])


def _unpack(bits: NDArray[np.uint8], geometry: Geometry) -> NDArray[np.bool_]:
    count = int(np.prod(geometry.shape))
    return np.unpackbits(bits, count=count).astype(bool).reshape(geometry.shape)
