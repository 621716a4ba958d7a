"""The Evaluation as JSON: stable order, every bit of every number, no time of day."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from perisurv.core import AucPoint, Evaluation, LadderRow, Provenance, ReadError, RiskGroupCurve

__all__ = ["evaluation_from_json", "evaluation_to_json"]


def evaluation_to_json(evaluation: Evaluation) -> str:
    """Deterministic JSON text."""
    return json.dumps(asdict(evaluation), indent=1, sort_keys=True, allow_nan=False) + "\n"


def evaluation_from_json(text: str) -> Evaluation:
    """Inverse of :func:`evaluation_to_json`.

    Raises
    ------
    ReadError
        If the text is no evaluation.
    """
    try:
        values = json.loads(text)
        built = {
            "ladder": tuple(LadderRow(**row) for row in values["ladder"]),
            "auc": tuple(AucPoint(**_tuples(point)) for point in values["auc"]),
            "curves": tuple(RiskGroupCurve(**_tuples(curve)) for curve in values["curves"]),
            "exclusions": tuple((e[0], e[1], e[2]) for e in values["exclusions"]),
            "notes": tuple(values["notes"]),
            "provenance": Provenance(**values["provenance"]),
        }
        return Evaluation(**{**values, **built})
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ReadError(f"This is not an evaluation of perisurv: {error}.") from error


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
