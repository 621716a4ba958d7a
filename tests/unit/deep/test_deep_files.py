import json
from pathlib import Path

import numpy as np
import pytest

from perisurv.core import ModelError
from perisurv.deep import Embedder


@pytest.fixture
def folder(embedder: Embedder, tmp_path: Path) -> Path:
    embedder.save(tmp_path / "network_0")
    return tmp_path / "network_0"


def edit(folder: Path, **changes: object) -> None:
    path = folder / "network.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_round_trip(embedder: Embedder, folder: Path, unseen) -> None:
    loaded = Embedder.load(folder)
    assert loaded.options == embedder.options
    assert loaded.patients == embedder.patients
    assert loaded.weights.keys() == embedder.weights.keys()
    assert all(np.array_equal(loaded.weights[n], embedder.weights[n]) for n in embedder.weights)
    before, after = (e.transform(unseen.patients[:3], unseen.patches[:3]) for e in (embedder, loaded))
    assert before.frame.equals(after.frame)
    assert before.fitted_on == after.fitted_on


def test_same_bytes_and_nothing_else(embedder: Embedder, folder: Path) -> None:
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(files) == {"network.json", "network.safetensors"}
    Embedder.load(folder).save(folder)
    assert files == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_missing_file(folder: Path) -> None:
    (folder / "network.safetensors").unlink()
    with pytest.raises(ModelError, match=r"network\.safetensors is missing"):
        Embedder.load(folder)
    with pytest.raises(ModelError, match=r"network\.json is missing"):
        Embedder.load(folder / "nowhere")


def test_changed_weights(folder: Path) -> None:
    path = folder / "network.safetensors"
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="is not the file that"):
        Embedder.load(folder)


def test_torn_json(folder: Path) -> None:
    path = folder / "network.json"
    path.write_text(path.read_text()[:50])
    with pytest.raises(ModelError, match="not readable as JSON"):
        Embedder.load(folder)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format": "perisurv-network-99"}, "format perisurv-network-1"),
        ({"options": {"widht": 4}}, "widht"),
        ({"options": {"width": -4}}, "width must lie in"),
        ({"options": {"patch_voxels": 16, "axes": 5, "width": 4}}, "axes do not fit"),
        ({"patients": 3}, "no network that this version can read"),
    ],
)
def test_foreign_json(folder: Path, changes: dict[str, object], sentence: str) -> None:
    edit(folder, **changes)
    with pytest.raises(ModelError, match=sentence):
        Embedder.load(folder)


def test_incomplete_json(folder: Path) -> None:
    path = folder / "network.json"
    table = json.loads(path.read_text())
    del table["patients"]
    path.write_text(json.dumps(table))
    with pytest.raises(ModelError, match="lacks patients"):
        Embedder.load(folder)


def test_not_finite(embedder: Embedder, tmp_path: Path) -> None:
    import dataclasses

    weights = dict(embedder.weights)
    weights["head.weight"] = np.full_like(weights["head.weight"], np.nan)
    dataclasses.replace(embedder, weights=weights).save(tmp_path)
    with pytest.raises(ModelError, match="not finite"):
        Embedder.load(tmp_path)
