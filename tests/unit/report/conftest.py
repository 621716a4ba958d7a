"""A small study that was never run, and a round tumour with two rings."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from perisurv.core import (
    AucPoint,
    CalibrationPoint,
    Evaluation,
    Geometry,
    LadderRow,
    Mask,
    NetBenefitCurve,
    Provenance,
    Region,
    RegionSet,
    RiskGroupCurve,
    Volume,
)

SHAPE = (30, 40, 44)


@pytest.fixture(scope="session")
def regions() -> RegionSet:
    """A ball of 8 mm in lung, left of the middle, a little bone behind it; the outer ring is cut at the front."""
    grid = Geometry(SHAPE, (1.0, 1.0, 1.0))
    z, y, x = np.indices(SHAPE)
    radius = np.sqrt((z - 15) ** 2 + (y - 20) ** 2 + (x - 24) ** 2)
    image = np.where(radius < 8, 40.0, -800.0)
    image[5:, 34:, 10:16] = 900.0
    rings = (
        Region("ring_3mm", Mask((radius >= 8) & (radius < 11), grid), {"clipped_share": 0.25, "thickness_mm": 2.96}),
        Region("ring_6mm", Mask((radius >= 8) & (radius < 14) & (y > 8), grid), {"clipped_share": 0.5}),
    )
    tumour = Region("tumour", Mask(radius < 8, grid))
    return RegionSet("SECRET-ID", Volume(image.astype(np.float32), grid), (tumour, *rings))


@pytest.fixture(scope="session")
def make_evaluation() -> Callable[..., Evaluation]:
    return _evaluation


def _evaluation(**changes: object) -> Evaluation:
    low = RiskGroupCurve(
        "combined", "low", (100.0, 400.0, 900.0), (0.9, 0.5, 0.5), (0.7, 0.3, 0.3), (1.0, 0.9, 0.9),
        (0.0, 182.625, 365.25), (10, 8, 7),
    )  # fmt: skip
    high = dataclasses.replace(
        low, group="high", survival=(0.6, 0.2, 0.0), lower=(0.4, 0.1, 0.0), upper=(0.8, 0.4, 0.0)
    )
    evaluation = Evaluation(
        ladder=(
            LadderRow("volume", 0.61, 0.52, 0.7, 60, 40, 1),
            LadderRow("ring_6mm", 0.58, 0.49, 0.66, 60, 40, 3),
            LadderRow("combined", 0.701, 0.621, 0.782, 60, 40, 12),
            LadderRow("oracle", 0.8, 0.74, 0.86, 60, 40, 0),
        ),
        auc=(
            AucPoint("combined", 365.25, 0.71, 0.6, 0.8, (0.0, 0.2, 1.0), (0.0, 0.7, 1.0)),
            AucPoint("combined", 730.5, 0.66, 0.5, 0.77, (0.0, 0.2, 1.0), (0.0, 0.6, 1.0)),
            AucPoint("volume", 365.25, 0.6, 0.5, 0.7, (0.0, 1.0), (0.0, 1.0)),
        ),
        curves=(low, high, dataclasses.replace(low, branch="volume")),
        calibration=(
            CalibrationPoint(
                "combined",
                365.25,
                0.19,
                0.24,
                0.42,
                0.45,
                0.33,
                0.57,
                0.81,
                0.5,
                1.12,
                0.041,
                (0.1, 0.5, 0.9),
                (0.15, 0.52, 0.83),
            ),
            CalibrationPoint(
                "volume", 365.25, 0.23, 0.24, 0.40, 0.45, 0.33, 0.57, 0.6, 0.1, 1.1, 0.062, (0.3, 0.5), (0.35, 0.5)
            ),
        ),
        net_benefit=(
            NetBenefitCurve("combined", 365.25, (0.1, 0.5, 0.9), (0.4, 0.12, 0.0), (0.39, -0.1, -4.5)),
            NetBenefitCurve("volume", 365.25, (0.1, 0.5), (0.39, 0.02), (0.39, -0.1)),
        ),
        log_rank_p={"volume": 1.0, "ring_6mm": 0.03, "combined": 0.0004},
        uno_c={"volume": 0.605, "ring_6mm": 0.575, "combined": 0.694},
        confidence=0.95,
        ring="ring_6mm",
        ring_votes={"ring_12mm": 1, "ring_3mm": 2, "ring_6mm": 7},
        selected={"volume": {"tumour__morph__morph_volume": 0.3}, "combined": {"deep_000": 0.8, "deep_003": -0.9}},
        training_centres={"northfield": 183},
        external_centres={"rheinburg": 30, "saltmere": 30},
        flow={"found": 245, "excluded": 2, "training": 183, "external": 60},
        exclusions=(
            ("P7", "index", "missing slice"),
            ("P9", "index", "no tumour ROI"),
            ("P8", "index", "no tumour ROI"),
            ("", "index", "unreadable file"),
        ),
        tried={"branches": 9, "rings": 3},
        notes=("Simulated cohort & honest.",),
        provenance=Provenance("0.1.0", "3.11.7", {"numpy": "2.4"}, "abc", 7),
    )
    return dataclasses.replace(evaluation, **changes)  # type: ignore[arg-type]
