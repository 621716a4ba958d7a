import dataclasses
import subprocess
import sys

import pytest

from perisurv.core import SettingsError
from perisurv.deep import DEMO_OPTIONS, STUDY_OPTIONS, DeepOptions


def test_defaults_are_the_reference_network() -> None:
    options = DeepOptions()
    assert (options.width, options.blocks, options.reduction) == (64, (2, 2, 2, 2), 16)
    assert (options.patch_mm, options.patch_voxels, options.embedding_size) == (64, 64, 512)
    assert options.window_hu == (-1000.0, 400.0)


def test_presets_differ_from_the_default_in_size_only() -> None:
    for preset in (STUDY_OPTIONS, DEMO_OPTIONS):
        assert preset.window_hu == DeepOptions().window_hu
        assert preset.ties == DeepOptions().ties
        assert preset.width < DeepOptions().width


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"patch_voxels": 8}, "patch_voxels must lie in 16..256"),
        ({"dropout": 1.0}, "dropout must lie in 0..0.95"),
        ({"epochs": 0}, "epochs"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"ties": "exact"}, "one of ('breslow', 'efron')"),
        ({"stem_stride": 3}, "one of (2, 4)"),
        ({"precision": "fp16"}, "precision"),
        ({"device": "tpu"}, "device"),
        ({"window_hu": (400.0, -1000.0)}, "window_hu must be two increasing"),
        ({"blocks": (2, 2, 0, 2)}, "blocks"),
        ({"width": 2, "axes": 17}, "exceeds the 16 numbers"),
    ],
)
def test_impossible_settings_name_the_allowed(change: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        dataclasses.replace(DeepOptions(), **change)  # type: ignore[arg-type]
    assert named in str(caught.value)


def test_room_without_torch() -> None:
    """The room imports, and what needs torch says what to install."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np, perisurv.deep as deep\n"
        "from perisurv.core import ModelError, Outcome\n"
        "ids = ('a', 'b', 'c'); outcome = Outcome(ids, np.array([1., 2., 3.]), np.array([True, True, False]))\n"
        "options = deep.DeepOptions(patch_voxels=16, width=1, axes=1)\n"
        "patches = np.zeros((3, 2, 16, 16, 16))\n"
        "for call in (lambda: deep.train(ids, patches, outcome, options, 1), lambda: deep.cox_loss):\n"
        "    try: call()\n"
        "    except ModelError as error: print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.count("pip install torch") == 2


def test_importing_the_room_loads_no_torch() -> None:
    code = "import sys, perisurv.deep; print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_train_is_the_function_and_not_the_module() -> None:
    code = "import perisurv.deep.train\nfrom perisurv.deep import train\nprint(callable(train))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "True"
