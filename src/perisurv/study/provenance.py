"""What made an artefact: versions, seed and the digest of the settings. No time of day, no path."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from perisurv.core import Provenance
from perisurv.study.settings import StudySettings, digest, plain

__all__ = ["PACKAGES", "VERSION", "installed", "provenance"]

VERSION = version("perisurv")
PACKAGES = (
    "numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "numba", "pydicom", "simpleitk", "torch",
)  # fmt: skip


def installed() -> dict[str, str]:
    """Versions of the packages that can change a number."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def provenance(settings: StudySettings) -> Provenance:
    """Provenance of a study; the digest leaves out paths and the number of workers, which change no result."""
    values = plain(settings)
    for key in ("out", "workers", "input"):
        values.pop(key)
    return Provenance(VERSION, platform.python_version(), installed(), digest(values), settings.seed)
