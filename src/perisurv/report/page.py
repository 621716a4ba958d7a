"""What the pages of a report share: the template engine and the pictures of an example patient."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from perisurv.core import RegionSet
from perisurv.core.wording import counted
from perisurv.report import facts, words
from perisurv.report.pictures import map_picture, ring_picture

__all__ = ["environment", "example", "svg"]


def environment() -> Environment:
    """Templates of the reports; text from files is escaped, an unknown name is an error."""
    engine = Environment(
        loader=PackageLoader("perisurv.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters.update(
        counted=counted,
        branch=words.branch_label,
        ring=words.ring_label,
        p=words.p_value,
        c="{:.3f}".format,
        signed="{:+.3f}".format,
    )
    return engine


def example(regions: RegionSet, values: NDArray[np.float32] | None) -> dict[str, Any]:
    """Pictures and audit of one example patient; without values of the texture no picture of it."""
    columns, rows = facts.audit_rows(regions)
    drawn = values is not None and bool(np.isfinite(values).any())
    return {
        "data": _png(ring_picture(regions)),
        "map": _png(map_picture(regions, values, "joint entropy, bit")) if values is not None and drawn else None,
        "volume_ml": regions["tumour"].mask.volume_ml,
        "columns": columns,
        "rows": rows,
    }


def _png(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}"


def svg(element: str) -> Markup:
    """A figure as the templates take it."""
    return Markup(element)  # noqa: S704 (drawn here; its text was escaped by the writer)
