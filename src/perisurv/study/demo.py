"""The study of the demo: the whole method, sized for minutes on two cores."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from perisurv.deep import DEMO_OPTIONS
from perisurv.study.settings import StudySettings, settings_from_dict

__all__ = ["demo_settings"]


def demo_settings(out: Path, workers: int) -> StudySettings:
    """Settings of the demo: every stage of the default study with a small network and few redrawn contours."""
    cohort = str(out / "cohort")
    return settings_from_dict(
        {
            "out": str(out),
            "workers": workers,
            "input": {"folder": cohort, "truth": cohort},
            "keep_ids": True,  # simulated patients have no identity to protect
            "radiomics": {"preset": "fast"},
            "stability": {"patients": 8, "repeats": 2},
            "deep": {
                "folds": 3,
                "training": dataclasses.asdict(DEMO_OPTIONS),
            },
        },
        "demo",
    )
