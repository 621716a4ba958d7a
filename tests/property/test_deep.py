import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from perisurv.core import Geometry, Mask, Region, RegionSet, Volume
from perisurv.deep import DeepOptions, cox_loss, cut_patch

follow_up = st.lists(st.tuples(st.floats(-20, 20), st.integers(1, 6), st.booleans()), min_size=1, max_size=25).filter(
    lambda rows: any(died for _, _, died in rows)
)
tie_rules = st.sampled_from(["breslow", "efron"])


def as_tensors(rows):
    risk, time, died = zip(*rows, strict=True)
    return torch.tensor(risk, dtype=torch.float64), torch.tensor(time, dtype=torch.float64), torch.tensor(died)


@given(follow_up, tie_rules, st.floats(-500, 500))
@settings(deadline=None)
def test_loss_ignores_a_common_factor_and_the_unit_of_time(rows, ties, constant) -> None:
    risk, time, died = as_tensors(rows)
    loss = float(cox_loss(risk, time, died, ties))
    assert loss >= 0
    np.testing.assert_allclose(float(cox_loss(risk + constant, time * 365.25, died, ties)), loss, atol=1e-9)


@given(follow_up, tie_rules, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_loss_ignores_the_order_of_patients(rows, ties, random) -> None:
    loss = float(cox_loss(*as_tensors(rows), ties))
    random.shuffle(rows)
    np.testing.assert_allclose(float(cox_loss(*as_tensors(rows), ties)), loss, rtol=1e-9, atol=1e-12)


@given(follow_up, tie_rules)
@settings(deadline=None)
def test_gradient_sums_to_zero_and_efron_never_exceeds_breslow(rows, ties) -> None:
    risk, time, died = as_tensors(rows)
    risk.requires_grad_(True)
    cox_loss(risk, time, died, ties).backward()
    assert risk.grad is not None
    assert abs(float(risk.grad.sum())) < 1e-9
    efron, breslow = (float(cox_loss(risk.detach(), time, died, rule)) for rule in ("efron", "breslow"))
    assert efron <= breslow + 1e-12


@given(st.tuples(*[st.integers(-12, 12)] * 3), st.integers(16, 24))
@settings(deadline=None, max_examples=40)
def test_patch_moves_with_the_tumour(shift, voxels) -> None:
    """The same tumour elsewhere in a homogeneous image gives the same patch."""
    geometry = Geometry((48, 48, 48), (1.0, 1.0, 1.0))
    rng = np.random.default_rng(0)
    lump = rng.random((7, 8, 9)) < 0.7
    patches = []
    for move in ((0, 0, 0), shift):
        tumour = np.zeros(geometry.shape, bool)
        hu = np.full(geometry.shape, -1000.0, np.float32)
        box = tuple(slice(20 + m, 20 + m + n) for m, n in zip(move, lump.shape, strict=True))
        tumour[box], hu[box] = lump, np.where(lump, 40.0, -200.0)
        regions = RegionSet("P", Volume(hu, geometry), (Region("tumour", Mask(tumour, geometry)),))
        patches.append(cut_patch(regions, DeepOptions(patch_mm=24, patch_voxels=voxels)))
    assert np.array_equal(patches[0], patches[1])
