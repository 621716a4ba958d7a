"""The house rules that a linter does not know."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "perisurv"
FILES = sorted(SRC.rglob("*.py"))
MAX_FILE_LINES = 400
MAX_BODY_LINES = 45


def _name(path: Path) -> str:
    return str(path.relative_to(SRC))


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_file_size(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES, "split by subject"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_function_size(path: Path) -> None:
    """Bodies without docstring; numba loops in kernels may be longer."""
    if "kernels" in path.parts:
        pytest.skip("numba loops")
    long = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body and (body[-1].end_lineno or 0) - body[0].lineno + 1 > MAX_BODY_LINES:
                long.append(node.name)
    assert not long


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_all_is_what_is_public(path: Path) -> None:
    """``__all__`` names every public class and function that the module defines, and nothing that is absent."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined, exported = set(), set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            defined.add(node.name)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            exported = set(ast.literal_eval(node.value))
    assert defined <= exported | {"main"} or path.name == "cli.py", f"public but not in __all__: {defined - exported}"


@pytest.mark.parametrize("package", sorted({".".join(p.relative_to(SRC.parent).with_suffix("").parts) for p in FILES}))
def test_all_can_be_imported(package: str) -> None:
    import importlib

    module = importlib.import_module(package.removesuffix(".__init__"))
    for name in getattr(module, "__all__", []):
        assert getattr(module, name) is not None


def test_import_is_light() -> None:
    """Importing the package loads nothing heavy; the names load what they need."""
    code = (
        "import sys, perisurv; print(sorted({'torch', 'numba', 'pandas', 'SimpleITK', 'highdicom'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_study_without_torch() -> None:
    """Everything but the network works where torch is not installed."""
    code = (
        "import sys\n"
        "class NoTorch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'torch': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, NoTorch())\n"
        "import perisurv.cli, perisurv.study.run, perisurv.study.model\n"
        "from perisurv.study.settings import settings_from_dict\n"
        "print(settings_from_dict({'deep': {'enabled': False}}).deep.enabled)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_only_the_terminal_prints() -> None:
    printing = [
        _name(path)
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]
    assert set(printing) <= {"terminal.py"}
