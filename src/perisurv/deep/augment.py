"""Random changes of patches that do not change the prognosis."""

from __future__ import annotations

import torch
from torch import Tensor

from perisurv.deep.options import DeepOptions

__all__ = ["augment"]

AIR = (-1.0, 0.0)  # CT channel, mask channel


def augment(patches: Tensor, options: DeepOptions, generator: torch.Generator) -> Tensor:
    """Mirror, turn, displace, shift in intensity and add noise, each patient on its own.

    Only whole-voxel moves: no interpolation, so texture stays what it was, and no scaling, as size is prognostic.

    Parameters
    ----------
    patches
        (n, 2, s, s, s), CT channel in -1..1 and mask; not changed.
    options
        ``flips``, ``rotations``, ``shift_voxels``, ``intensity_shift``, ``intensity_noise``.
    generator
        On the CPU, so that the draws do not depend on the device.

    Returns
    -------
    Tensor
        New patches of the same shape.
    """
    n, size = len(patches), patches.shape[-1]
    flips = torch.rand((n, 3), generator=generator) < (0.5 if options.flips else -1.0)
    turns = torch.randint(4 if options.rotations else 1, (n,), generator=generator)
    reach = options.shift_voxels
    shifts = torch.randint(-reach, reach + 1, (n, 3), generator=generator)
    moves = zip(patches, flips.tolist(), turns.tolist(), shifts.tolist(), strict=True)
    moved = torch.stack([_move(*move) for move in moves])
    shift = options.intensity_shift * torch.randn((n, 1, 1, 1), generator=generator)
    noise = options.intensity_noise * torch.randn((n, size, size, size), generator=generator)
    moved[:, 0] = torch.clamp(moved[:, 0] + (shift + noise).to(moved.device), -1.0, 1.0)
    return moved


def _move(patch: Tensor, flips: list[bool], turns: int, shifts: list[int]) -> Tensor:
    patch = torch.flip(patch, [axis + 1 for axis, flip in enumerate(flips) if flip])
    patch = torch.rot90(patch, turns, (2, 3))
    if not any(shifts):
        return patch
    size = patch.shape[-1]
    moved = torch.empty_like(patch)
    for channel, value in enumerate(AIR):
        moved[channel] = value
    to = [slice(max(s, 0), size + min(s, 0)) for s in shifts]
    of = [slice(max(-s, 0), size + min(-s, 0)) for s in shifts]
    moved[:, to[0], to[1], to[2]] = patch[:, of[0], of[1], of[2]]
    return moved
