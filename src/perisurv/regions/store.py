"""Regions of one patient as a folder: voxels, packed masks, JSON. No pickle, the same bytes for the same regions."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Finding, Geometry, Mask, PerisurvError, ReadError, Region, RegionSet, Volume

__all__ = ["load_regions", "save_regions"]

FORMAT = 3
VOXELS, TEXT = "voxels.npz", "regions.json"
EPOCH = (1980, 1, 1, 0, 0, 0)
UNIX = 3
DAMAGE = (OSError, EOFError, ValueError, KeyError, TypeError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def save_regions(folder: Path | str, regions: RegionSet) -> None:
    """Write the regions whole or not at all; an older version is replaced.

    Whole HU are stored in 16 bits, any other image as it is, so that nothing is lost.

    Parameters
    ----------
    folder
        Will hold ``voxels.npz`` and ``regions.json``.
    regions
        Regions of one patient.
    """
    folder = Path(folder)
    temporary = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    arrays: dict[str, NDArray[Any]] = {"image": _compact(regions.image.values)}
    arrays |= {f"mask_{n}": np.packbits(region.mask.values) for n, region in enumerate(regions)}
    arrays |= {f"taken_{n}": np.packbits(mask.values) for n, mask in enumerate(regions.taken.values())}
    _write_arrays(temporary / VOXELS, arrays)
    text = {
        "format": FORMAT,
        "patient": regions.patient,
        "geometry": asdict(regions.image.geometry),
        "regions": [{"name": r.name, "audit": dict(r.audit)} for r in regions],
        "acquisition": dict(regions.acquisition),
        "taken": list(regions.taken),
        "findings": [asdict(finding) for finding in regions.findings],
    }
    written = json.dumps(text, indent=1, sort_keys=True, allow_nan=False)
    (temporary / TEXT).write_text(written + "\n", encoding="utf-8", newline="\n")
    shutil.rmtree(folder, ignore_errors=True)
    temporary.replace(folder)


def load_regions(folder: Path | str) -> RegionSet:
    """Read what :func:`save_regions` wrote.

    Raises
    ------
    ReadError
        If the folder does not hold a complete, undamaged set of regions of this format.
    """
    folder = Path(folder)
    try:
        text = json.loads((folder / TEXT).read_text(encoding="utf-8"))
        if text["format"] != FORMAT:
            raise ReadError(
                f"{folder} holds regions of format {text['format']}, this version reads {FORMAT}; "
                "delete it and run the verb regions again."
            )
        geometry = _geometry(text["geometry"])
        # Opened here because np.load leaves a file open that turns out to be cut short.
        with (folder / VOXELS).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            image = Volume(archive["image"].astype(np.float32), geometry)
            regions = tuple(
                Region(entry["name"], Mask(_unpacked(archive[f"mask_{n}"], geometry), geometry), entry["audit"])
                for n, entry in enumerate(text["regions"])
            )
            taken = {
                str(cause): Mask(_unpacked(archive[f"taken_{n}"], geometry), geometry)
                for n, cause in enumerate(text["taken"])
            }
        found = tuple(Finding(**finding) for finding in text["findings"])
        return RegionSet(text["patient"], image, regions, text["acquisition"], taken, found)
    except ReadError:
        raise
    except (*DAMAGE, PerisurvError) as error:
        raise ReadError(
            f"{folder} holds no readable regions ({error}); delete it and run the verb regions again."
        ) from error


def _compact(values: NDArray[np.float32]) -> NDArray[Any]:
    limits = np.iinfo(np.int16)
    whole = values.min() >= limits.min and values.max() <= limits.max and np.array_equal(values, np.rint(values))
    return values.astype(np.int16) if whole else values


def _write_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """An npz file without the time of day and without traces of the operating system."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", EPOCH)
            entry.create_system = UNIX
            archive.writestr(entry, buffer.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=1)


def _geometry(grid: dict[str, Any]) -> Geometry:
    k, j, i = grid["shape"]
    x, y, z = (tuple(row) for row in grid["direction"])
    return Geometry((k, j, i), tuple(grid["spacing_mm"]), tuple(grid["origin_mm"]), (x, y, z))


def _unpacked(bits: NDArray[np.uint8], geometry: Geometry) -> NDArray[np.bool_]:
    count = int(np.prod(geometry.shape))
    if bits.size != (count + 7) // 8:
        raise ValueError(f"a mask of {bits.size} bytes does not fit a grid of shape {geometry.shape}")
    return np.unpackbits(bits, count=count).astype(bool).reshape(geometry.shape)
