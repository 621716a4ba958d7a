"""Study files as editors and file managers of all systems leave them, and what is said where one is wrong."""

import codecs
import re
from pathlib import Path

import pytest

from perisurv.core import SettingsError
from perisurv.study.settings import read_settings, settings_from_dict

PLAIN = 'out = "Läufe"\nseed = 7\n[input]\nfolder = "Bilder/肺"\n'
NO_WORDS_OF_PYDANTIC = re.compile(r"pydantic|type=|Input should|ctx|loc|RoiRule|dataclass|JSON|ValidationError")


def _refusal(folder: Path, text: str | bytes) -> str:
    path = folder / "study.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError) as caught:
        read_settings(path)
    told = str(caught.value).replace(f"{path}", "study.toml")
    assert not NO_WORDS_OF_PYDANTIC.search(told)
    return told


@pytest.mark.parametrize("mark", ["with", "without"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_a_study_file_is_read_in_every_encoding_of_unicode(tmp_path, mark, encoding, ends):
    marks = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
    data = PLAIN.replace("\n", ends).encode(encoding)
    (tmp_path / "study.toml").write_bytes((marks[encoding] if mark == "with" else b"") + data)
    settings = read_settings(tmp_path / "study.toml")
    assert (settings.out, settings.seed) == (str(tmp_path / "Läufe"), 7)
    assert settings.input.folder == str(tmp_path / "Bilder/肺")


def test_another_encoding_is_told_with_its_line(tmp_path):
    told = _refusal(tmp_path, 'seed = 3\nout = "Läufe"\n'.encode("cp1252"))
    assert told == "study.toml, line 2: the file is not in UTF-8; save it in UTF-8 with your editor."


@pytest.mark.parametrize(
    ("written", "right"),
    [
        (r"C:\Users\me\LUNG1", r"'C:\Users\me\LUNG1'"),
        (r"D:\data\x1", r"'D:\data\x1'"),
        (r"\\server\share", r"'\\server\share'"),
        (r"E:\images\ ", r"'E:\images\ '"),
    ],
)
def test_a_windows_path_in_double_quotes_is_answered_with_what_to_write(tmp_path, written, right):
    told = _refusal(tmp_path, f'out = "run"\n[input]\nfolder = "{written}"\n')
    assert "line 3" in told
    assert "with / or in single quotes" in told
    assert right in told


@pytest.mark.parametrize(
    ("table", "key", "written"),
    [
        ("input", "folder", r"D:\new\table"),
        ("input", "folder", r"D:\bilder\fall"),
        ("input", "truth", r"D:\results"),
        ("", "out", r"C:\temp\run"),
        ("", "private", r"C:\new"),
    ],
)
def test_a_path_that_double_quotes_changed_silently_is_refused(tmp_path, table, key, written):
    told = _refusal(tmp_path, f'seed = 3\n{f"[{table}]" if table else ""}\n{key} = "{written}"\n')
    assert f"line 3: {table}{'.' if table else ''}{key} = '{written}'" in told
    assert f"write '{written}' in single quotes, or {written.replace(chr(92), '/')} with /." in told


def test_paths_in_single_quotes_and_doubled_backslashes_are_sound(tmp_path):
    for value in (r"'D:\new\table'", r'"D:\\new\\table"', '"D:/new/table"'):
        (tmp_path / "study.toml").write_text(f"[input]\nfolder = {value}\nclinical = [{value}]\n", encoding="utf-8")
        assert read_settings(tmp_path / "study.toml").input.folder.replace("\\", "/").endswith("D:/new/table")
    assert "line 2: input.clinical" in _refusal(tmp_path, '[input]\nclinical = ["a.csv", "D:\\tables\\new.csv"]\n')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed = 3\nout = run\n", ("line 2", "text in quotes")),
        ("out = \u201crun\u201d\n", ("line 1", "straight")),
        ("seed = 3\nseed = 4\n", ("line 2", "twice")),
        ("[input]\n[cohort]\n[input]\n", ("line 3", "twice")),
        ("keep_ids = True\n", ("line 1", "small letters")),
        ("[stability]\nminimum_icc = 0,75\n", ("line 2", "0.5")),
        ("seed: 3\n", ("line 1", "key = value")),
        ('out = "run\nseed = 3\n', ("line 1",)),
    ],
)
def test_what_is_no_toml_is_told_in_words(tmp_path, text, words):
    told = _refusal(tmp_path, text)
    for word in words:
        assert word in told


MANY = """seed = "three"
colour = 3
tumour_roi = ["GTV"]
[input]
foldr = "x"
[cohort]
several_rois = "largst"
tumour_roi = [{ exakt = "GTV" }]
[cohort.columns]
age = 3
[stability]
minimum_icc = 2.0
[deep.training]
epochs = 1.5
[evaluation]
horizons_days = "365"
[regions]
kind = 'doughnut'
"""


def test_every_fault_is_told_at_once_with_its_line_and_its_key(tmp_path):
    lines = _refusal(tmp_path, MANY).split("\n  ")
    assert lines[0] == "study.toml has 11 faults:"
    starts = [
        "line 1: seed = 'three': expected a whole number.",
        "line 2: unknown key 'colour'; the study file knows out, seed,",
        "line 3: unknown key 'tumour_roi'; it belongs below [cohort].",
        "line 5: unknown key 'foldr' below [input]; the nearest known key is 'folder'.",
        "line 7: cohort.several_rois = 'largst': expected 'refuse', 'union' or 'largest'. Is 'largest' meant?",
        "line 8: cohort.tumour_roi.0.exakt = 'GTV': there is no such key.",
        "line 10: cohort.columns.age = 3: expected a text in quotes or a list in square brackets.",
        "line 12: [stability] ",
        "line 14: deep.training.epochs = 1.5: expected a whole number.",
        "line 16: evaluation.horizons_days = '365': expected a list in square brackets.",
        "line 18: regions.kind = 'doughnut': expected 'annulus', 'shell' or 'expansion'.",
    ]
    for line, start in zip(lines[1:], starts, strict=True):
        assert line.startswith(start)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("seed = 3\ninput.foldr = 'x'\n", 2),
        ("[input]\n\"foldr\" = 'x'\n", 2),
        ("# input\ninput = { foldr = 'x' }\n", 2),
        ("[ input ]\n  foldr='x'\n", 2),
        ("[radiomics]\n\npreset = 'quick'\n", 3),
        ("[cohort]\nkeep = 1\nids = 'keep'\n", 2),
        ("[fit]\n\nunpenalised = ['klinik']\n", 3),
    ],
)
def test_the_line_of_a_key_however_it_is_written(tmp_path, text, line):
    assert f"line {line}: " in _refusal(tmp_path, text)


@pytest.mark.parametrize("key", ["colour", "zzz", "password", "x"])
def test_no_name_is_proposed_that_is_not_near(key):
    with pytest.raises(SettingsError, match=f"unknown key '{key}' below \\[regions\\]; \\[regions\\] knows widths_mm"):
        settings_from_dict({"regions": {key: 1}})
