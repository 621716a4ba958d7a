"""The 3D network trained on overall survival, and its embedding as features. The only room that imports torch.

Importing the room loads no torch; what needs it raises ModelError where it is not installed. The parts made of torch
(`SEResNet3D`, `cox_loss`, `augment`) are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from perisurv.deep.embed import Embedder, ensemble, require_torch
from perisurv.deep.options import DEMO_OPTIONS, STUDY_OPTIONS, DeepOptions
from perisurv.deep.patches import cut_patch
from perisurv.deep.train import train

if TYPE_CHECKING:
    from perisurv.deep.loss import cox_loss
    from perisurv.deep.se_resnet3d import SEResNet3D

__all__ = [
    "DEMO_OPTIONS",
    "STUDY_OPTIONS",
    "DeepOptions",
    "Embedder",
    "SEResNet3D",
    "cox_loss",
    "cut_patch",
    "ensemble",
    "train",
]

_TORCH = {"SEResNet3D": "se_resnet3d", "cox_loss": "loss"}


def __getattr__(name: str) -> object:
    if name not in _TORCH:
        raise AttributeError(f"module 'perisurv.deep' has no attribute {name!r}")
    require_torch()
    return getattr(import_module(f"perisurv.deep.{_TORCH[name]}"), name)
