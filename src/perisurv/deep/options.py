"""Settings of the network and its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perisurv.core import SettingsError

__all__ = ["DEMO_OPTIONS", "STUDY_OPTIONS", "DeepOptions"]


@dataclass(frozen=True, slots=True)
class DeepOptions:
    """The 3D-SE-ResNet, its input and its training.

    The defaults are the reference network of the method (64-mm cube at 1 mm, width 64, 512-d embedding, 33 million
    weights), which wants a GPU or patience. `STUDY_OPTIONS` and `DEMO_OPTIONS` are sized for two CPU cores.

    Parameters
    ----------
    patch_mm
        Edge of the cube around the tumour's centre of mass, mm.
    patch_voxels
        Voxels along the edge; where it is smaller than ``patch_mm`` the 1 mm cube is averaged down.
    window_hu
        HU range of the CT channel, mapped to -1..1.
    tissue_window_hu
        HU range of a second CT channel that the network derives from the first. Contrast inside a tumour is a few
        per cent of the lung window and is learnt late without it.
    width
        Channels of the first stage; the embedding has 8 times as many numbers (64: 512).
    blocks
        Residual blocks of two convolutions in each of the four stages; (2, 2, 2, 2) has 18 layers.
    reduction
        Channels over hidden channels of squeeze-and-excitation; at least 4 are hidden.
    stem_stride
        Voxels a step of the stem: 2 = strided convolution, 4 = the same and a max-pooling (for 64 voxels and more).
    dropout
        Share of embedding numbers that are dropped before the risk head while training.
    axes
        Deep features that leave the room: the network's risk and ``axes - 1`` principal axes of the embedding.
    epochs
        Times that every training patient is seen. Fixed: nothing is tuned on patients that are scored later.
    batch
        Patients an optimiser step, whose Cox gradient is exact; 0 = all training patients.
    micro_batch
        Patients that are in memory together. Fewer than ``batch`` cost one more forward pass, not exactness.
    learning_rate, weight_decay, warm_up
        AdamW; the rate rises over the share ``warm_up`` of the steps, then falls to zero along a cosine.
    ties
        Tied deaths in the partial likelihood.
    flips, rotations
        Whether patches are mirrored along each axis and turned by 90 degrees in the axial plane while training.
    shift_voxels
        Largest displacement while training, voxels.
    intensity_shift, intensity_noise
        Standard deviations of a shift of the whole patch and of white noise while training, as share of the window's
        half width (0.01 of -1000..400 HU = 7 HU).
    precision
        ``"bf16"`` runs convolutions in bfloat16; two to four times as fast at width 64 on processors that have it.
    device
        ``"auto"`` takes a CUDA device if there is one.
    threads
        Threads of torch on the CPU. The bytes of a trained network depend on it, so it is a setting and not the machine's.

    Raises
    ------
    SettingsError
        If a value lies outside its range.
    """

    patch_mm: int = 64
    patch_voxels: int = 64
    window_hu: tuple[float, float] = (-1000.0, 400.0)
    tissue_window_hu: tuple[float, float] = (-160.0, 240.0)
    width: int = 64
    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    reduction: int = 16
    stem_stride: Literal[2, 4] = 4
    dropout: float = 0.2
    axes: int = 32
    epochs: int = 60
    batch: int = 32
    micro_batch: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    warm_up: float = 0.1
    ties: Literal["breslow", "efron"] = "efron"
    flips: bool = True
    rotations: bool = True
    shift_voxels: int = 2
    intensity_shift: float = 0.02
    intensity_noise: float = 0.02
    precision: Literal["fp32", "bf16"] = "fp32"
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    threads: int = 1


STUDY_OPTIONS = DeepOptions(patch_voxels=32, width=16, stem_stride=2, micro_batch=32)
DEMO_OPTIONS = DeepOptions(patch_voxels=32, width=8, stem_stride=2, micro_batch=32, axes=8)
