"""Kernels run where nothing can be kept; where there is a place, they are kept."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core import caching

from perisurv.compiled import kernel, without_cache

SRC = Path(__file__).parents[2] / "src" / "perisurv"


def _sum_of_squares(values):
    total = 0.0
    for value in values:
        total += value * value
    return total


def _no_place(monkeypatch, locators=caching.CacheImpl._locator_classes):
    for locator in locators:
        monkeypatch.setattr(locator, "from_function", classmethod(lambda *_: None))


@pytest.fixture(autouse=True)
def ask_again():
    without_cache.cache_clear()
    yield
    without_cache.cache_clear()


@pytest.mark.parametrize("options", [{}, {"nogil": True}, {"error_model": "numpy", "fastmath": {"contract"}}])
def test_a_kernel_gives_the_same_with_and_without_a_place(monkeypatch, tmp_path, options):
    values = np.arange(5.0)
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))
    assert kernel(**options)(_sum_of_squares)(values) == 30.0
    assert without_cache() == ""
    assert list(tmp_path.rglob("*.nbi"))
    without_cache.cache_clear()
    _no_place(monkeypatch)
    assert kernel(**options)(_sum_of_squares)(values) == 30.0
    assert "NUMBA_CACHE_DIR" in without_cache()


def test_a_place_that_is_a_file_is_no_place(monkeypatch, tmp_path):
    """The next place is taken, as with one that cannot be written to."""
    (tmp_path / "file").touch()
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path / "file"))
    assert kernel()(_sum_of_squares)(np.ones(3)) == 3.0


def test_every_kernel_is_made_in_this_one_way():
    for path in sorted(SRC.rglob("*.py")):
        if path.name != "compiled.py":
            assert "njit" not in path.read_text(encoding="utf-8"), path


def test_every_room_works_without_a_place(tmp_path):
    """In a process of its own, whose kernels meet no place when they are first loaded."""
    code = (
        "from numba.core import caching\n"
        "for locator in caching.CacheImpl._locator_classes:\n"
        "    locator.from_function = classmethod(lambda *_: None)\n"
        "import importlib, pkgutil, perisurv\n"
        "for room in ('statistics', 'survival', 'radiomics', 'imaging.filters'):\n"
        "    kernels = importlib.import_module(f'perisurv.{room}.kernels')\n"
        "    for module in pkgutil.iter_modules(kernels.__path__, kernels.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "print('loaded')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("loaded\n", "")
