"""Evaluation to document: figures, ring pictures, one self-contained HTML file. Matplotlib loads when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perisurv.report.html import render_report
    from perisurv.report.pictures import map_picture, ring_picture

__all__ = ["map_picture", "render_report", "ring_picture"]

_MODULE = {"map_picture": "pictures", "render_report": "html", "ring_picture": "pictures"}


def __getattr__(name: str) -> object:
    if name not in _MODULE:
        raise AttributeError(f"module 'perisurv.report' has no attribute {name!r}")
    return getattr(import_module(f"perisurv.report.{_MODULE[name]}"), name)
