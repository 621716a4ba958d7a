"""Settings of the network and its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from perisurv.core import SettingsError

__all__ = ["DEMO_OPTIONS", "STUDY_OPTIONS", "DeepOptions"]

Ties = Literal["breslow", "efron"]
Precision = Literal["fp32", "bf16"]
Device = Literal["cpu", "cuda", "auto"]

_RANGES: tuple[tuple[str, float, float], ...] = (
    ("patch_mm", 16, 256),
    ("patch_voxels", 16, 256),
    ("surround_mm", 0, 1000),
    ("width", 1, 512),
    ("reduction", 1, 512),
    ("dropout", 0, 0.95),
    ("axes", 1, 4096),
    ("epochs", 1, 100_000),
    ("batch", 0, 1_000_000),
    ("micro_batch", 1, 1_000_000),
    ("learning_rate", 1e-8, 1),
    ("weight_decay", 0, 10),
    ("warm_up", 0, 0.9),
    ("shift_voxels", 0, 32),
    ("intensity_shift", 0, 1),
    ("intensity_noise", 0, 1),
    ("threads", 1, 1024),
)


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
        Voxels along the edge; where fewer than the regions' grid has, the cube is averaged down.
    window_hu
        HU range of the CT channel, mapped to -1..1.
    tissue_window_hu
        HU range of a second CT channel that the network derives from the first. Contrast inside a tumour is a few
        per cent of the lung window and is learnt late without it.
    surround_mm
        CT farther than this from the tumour is shown as air, so that the network sees the tumour and its
        surroundings instead of heart, spine and ribs; a value above ``patch_mm`` shows the whole cube.
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
        Standard deviations of a shift of the whole patch and of white noise while training, in units of half the
        window (0.01 of -1000..400 HU is 7 HU).
    precision
        ``"bf16"`` runs the convolutions in bfloat16: faster on processors that have it, slower on others.
    device
        ``"auto"`` takes a CUDA device if there is one. Equal bytes are promised on the CPU only.
    threads
        Threads of torch on the CPU. The bytes of a trained network depend on their number, so it is a setting, not
        taken from the machine.

    Raises
    ------
    SettingsError
        If a value lies outside its range.
    """

    patch_mm: int = 64
    patch_voxels: int = 64
    window_hu: tuple[float, float] = (-1000.0, 400.0)
    tissue_window_hu: tuple[float, float] = (-160.0, 240.0)
    surround_mm: float = 10.0
    width: int = 64
    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    reduction: int = 16
    stem_stride: Literal[2, 4] = 4
    dropout: float = 0.2
    axes: int = 32
    epochs: int = 60
    batch: int = 16
    micro_batch: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    warm_up: float = 0.1
    ties: Ties = "efron"
    flips: bool = True
    rotations: bool = True
    shift_voxels: int = 2
    intensity_shift: float = 0.02
    intensity_noise: float = 0.01
    precision: Precision = "fp32"
    device: Device = "cpu"
    threads: int = 1

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise SettingsError(f"Network: {name} must lie in {low:g}..{high:g}, got {value!r}.")
        for name, allowed in (
            ("stem_stride", (2, 4)),
            ("ties", get_args(Ties)),
            ("precision", get_args(Precision)),
            ("device", get_args(Device)),
        ):
            if getattr(self, name) not in allowed:
                raise SettingsError(f"Network: {name} must be one of {allowed}, got {getattr(self, name)!r}.")
        for name in ("window_hu", "tissue_window_hu"):
            window = getattr(self, name)
            if len(window) != 2 or not -1e5 < window[0] < window[1] < 1e5:
                raise SettingsError(f"Network: {name} must be two increasing HU values, got {window!r}.")
        if len(self.blocks) != 4 or min(self.blocks) < 1:
            raise SettingsError(f"Network: blocks must be four positive numbers, got {self.blocks!r}.")
        if self.axes > self.embedding_size:
            raise SettingsError(
                f"Network: axes = {self.axes} exceeds the {self.embedding_size} numbers of the embedding (8 x width)."
            )

    @property
    def embedding_size(self) -> int:
        """Numbers of the pooled embedding, 8 * width."""
        return 8 * self.width


STUDY_OPTIONS = DeepOptions(patch_voxels=32, width=16, stem_stride=2)
"""Five networks of about 150 patients each in some 15 minutes on two cores (one network a core)."""

DEMO_OPTIONS = DeepOptions(patch_voxels=32, width=8, stem_stride=2, axes=8, epochs=30, batch=8)
"""Three networks of about 15 patients each in well under a minute."""
