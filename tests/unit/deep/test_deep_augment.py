import dataclasses

import pytest
import torch

from perisurv.deep import DeepOptions
from perisurv.deep.augment import augment
from perisurv.deep.loop import stratified_batches

STILL = DeepOptions(flips=False, rotations=False, shift_voxels=0, intensity_shift=0.0, intensity_noise=0.0)


def draw(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x() -> torch.Tensor:
    x = torch.rand((40, 2, 6, 6, 6), generator=draw(9)) - 0.5
    x[:, 1] = (x[:, 1] > 0).float()
    return x


def test_switched_off_changes_nothing(x: torch.Tensor) -> None:
    assert torch.equal(augment(x, STILL, draw()), x)


def test_input_is_not_changed_and_seed_decides(x: torch.Tensor) -> None:
    before = x.clone()
    a, b, c = (augment(x, DeepOptions(), draw(seed)) for seed in (1, 1, 2))
    assert torch.equal(x, before)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_flips_and_turns_are_symmetries_of_the_cube(x: torch.Tensor) -> None:
    """Each patch is one of the 16 images of the original; all 16 occur; both channels move together."""
    options = dataclasses.replace(STILL, flips=True, rotations=True)
    images = set()
    for original, moved in zip(x.repeat(5, 1, 1, 1, 1), augment(x.repeat(5, 1, 1, 1, 1), options, draw()), strict=True):
        matches = [
            (axial, mirrored, turns)
            for axial in (False, True)
            for mirrored in (False, True)
            for turns in range(4)
            if torch.equal(
                torch.rot90(original.flip([a for a, on in ((1, axial), (3, mirrored)) if on]), turns, (2, 3)), moved
            )
        ]
        assert len(matches) == 1
        images.add(matches[0])
    assert len(images) == 16


def test_shift_fills_with_air(x: torch.Tensor) -> None:
    options = dataclasses.replace(STILL, shift_voxels=2)
    moved = augment(x, options, draw())
    shifts = torch.randint(-2, 3, (40, 3), generator=_after_flips(40))
    seen = 0
    for row, (dk, dj, di) in enumerate(shifts.tolist()):
        padded = torch.empty((2, 10, 10, 10))
        padded[0], padded[1] = -1.0, 0.0
        padded[:, 2 + dk : 8 + dk, 2 + dj : 8 + dj, 2 + di : 8 + di] = x[row]
        assert torch.equal(moved[row], padded[:, 2:8, 2:8, 2:8])
        seen += any((dk, dj, di))
    assert seen > 30


def _after_flips(n: int) -> torch.Generator:
    """The stream where the displacement is drawn."""
    generator = draw()
    torch.rand((n, 3), generator=generator)
    torch.randint(1, (n,), generator=generator)
    return generator


def test_intensity_touches_the_ct_only() -> None:
    x = torch.zeros((400, 2, 4, 4, 4))
    moved = augment(x, dataclasses.replace(STILL, intensity_shift=0.05, intensity_noise=0.02), draw())
    assert not moved[:, 1].any()
    patch_means = moved[:, 0].mean(dim=(1, 2, 3))
    assert float(patch_means.std()) == pytest.approx(0.05, rel=0.12)
    assert float((moved[:, 0] - patch_means[:, None, None, None]).std()) == pytest.approx(0.02, rel=0.03)
    loud = augment(x, dataclasses.replace(STILL, intensity_noise=1.0), draw())
    assert float(loud.abs().max()) == 1.0  # the window ends there


def test_batches_share_out_the_deaths() -> None:
    died = torch.tensor([True] * 12 + [False] * 30)
    batches = stratified_batches(died, 4, draw())
    assert sorted(torch.cat(batches).tolist()) == list(range(42))
    assert {len(rows) for rows in batches} == {10, 11}
    assert all(2 <= int(died[rows].sum()) <= 4 for rows in batches)
    assert not torch.equal(batches[0], stratified_batches(died, 4, draw(2))[0])
