"""The cache of headers saves reading and changes nothing: cold, warm, cut off, damaged, of other files."""

import json
import os
import shutil
from pathlib import Path

import pytest
from cohort_files import SLICES, hospital, write_patient
from hypothesis import given, settings
from hypothesis import strategies as st

from perisurv.cohort import cohort_to_frame, read_cohort
from perisurv.cohort import match as matching
from perisurv.cohort.dicom import CtHeader
from perisurv.cohort.header_cache import HeaderCache
from perisurv.core import InputError

HEADER = CtHeader(
    path=Path("root/ct/a b.dcm"), name="ct/a b.dcm", patient_id="Müller^7", sop_uid="1.2", series_uid="1.3",
    frame_uid="", rows=512, columns=256, frames=1, greyscale=True, pixel_format=(16, 12, 11, 1),
    row_direction=(1.0, 0.0, 0.1),
    column_direction=None, position_mm=(0.1 + 0.2, -1e-17, 3.0), spacing_mm=(0.9765625, 1 / 3), tilt_degrees=0.0,
    slope=1.0, intercept=None, rescale_type="HU", kernel="['B30f', '3']", scanner="ACME", localizer=False,
    truncated=True,
)  # fmt: skip


def outcome_of(root, cache=None):
    """Everything that an index says."""
    try:
        cohort = read_cohort(root, cache=cache)
    except InputError as error:
        return str(error)
    told = dict(cohort.findings), cohort.notes, cohort.people, cohort.set_aside
    return cohort_to_frame(cohort, root).to_json(), cohort.exclusions, *told, cohort.left_out


def count_reads(monkeypatch):
    read = []
    original = matching.probe

    def probe(path, name):
        read.append(name)
        return original(path, name)

    monkeypatch.setattr(matching, "probe", probe)
    return read


def test_a_header_comes_back_as_it_was(tmp_path):
    kept = tmp_path / "headers.jsonl"
    with HeaderCache(kept) as cache:
        assert cache.get(HEADER.path, HEADER.name, (1, 2, 3)) is None
        cache.put(HEADER, (1, 2, 3))
    with HeaderCache(kept) as cache:
        assert cache.get(HEADER.path, HEADER.name, (1, 2, 3)) == HEADER
    with HeaderCache(kept) as cache:
        assert cache.get(HEADER.path, HEADER.name, (1, 2, 4)) is None


def test_second_index_reads_nothing(tmp_path, monkeypatch):
    hospital(tmp_path / "data")
    cache = tmp_path / "headers.jsonl"
    first = outcome_of(tmp_path / "data", cache)
    read = count_reads(monkeypatch)
    monkeypatch.setattr(matching, "read_structure_set", lambda *_: pytest.fail("contours are read again"))
    assert outcome_of(tmp_path / "data", cache) == first
    assert read == []


def test_new_patient_is_read_and_lost_one_is_forgotten(tmp_path, monkeypatch):
    root, cache = tmp_path / "data", tmp_path / "headers.jsonl"
    hospital(root, ["S3"])
    outcome_of(root, cache)
    write_patient(root, "S3")
    shutil.rmtree(root / "S2")
    read = count_reads(monkeypatch)
    assert outcome_of(root, cache) == outcome_of(root)
    assert [name for name in read[: len(read) // 2] if name.startswith("S3/ct")] == [
        f"S3/ct/{k:03d}.dcm" for k in range(SLICES)
    ]
    assert b"S2/" not in cache.read_bytes()
    names = [json.loads(line[9:])[0] for line in cache.read_bytes().splitlines()[1:]]
    assert sum(name.strip("\0").startswith("S3/") for name in names) == SLICES + 2
    assert len(set(names)) == len(names)


def test_index_that_was_cut_off_goes_on(tmp_path, monkeypatch):
    root, cache = tmp_path / "data", tmp_path / "headers.jsonl"
    hospital(root)
    expected = outcome_of(root)
    original = matching.ct_headers

    def die_at_the_sixth(file):
        if file.name == "S2/ct/005.dcm":
            raise KeyboardInterrupt
        return original(file)

    monkeypatch.setattr(matching, "ct_headers", die_at_the_sixth)
    with pytest.raises(KeyboardInterrupt):
        read_cohort(root, cache=cache)
    monkeypatch.setattr(matching, "ct_headers", original)
    cache.write_bytes(cache.read_bytes()[:-20])  # killed while it wrote
    read = count_reads(monkeypatch)
    assert outcome_of(root, cache) == expected
    assert [name for name in read if "ct" in name] == [f"S2/ct/00{k}.dcm" for k in (4, 5, 6, 7)]
    assert outcome_of(root, cache) == expected


def test_cache_is_for_its_owner_only_and_holds_no_more_than_headers(tmp_path):
    hospital(tmp_path / "data")
    cache = tmp_path / "headers.jsonl"
    for _ in range(2):
        read_cohort(tmp_path / "data", cache=cache)
        assert cache.stat().st_mode & 0o777 == 0o600
        content = cache.read_bytes()
        assert content.count(b"\n") == 1 + 2 * (SLICES + 2)
        assert b"Doe" not in content  # PatientName
        assert b"19500102" not in content


def test_progress_ends_with_all_files(tmp_path):
    hospital(tmp_path)
    seen = []
    read_cohort(tmp_path, progress=lambda *report: seen.append(report))
    assert seen == [("index", 2 * SLICES + 2, 2 * SLICES + 2)]


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    root = tmp_path_factory.mktemp("warm")
    hospital(root / "data")
    outcome_of(root / "data", root / "headers.jsonl")
    return root


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_damaged_cache_changes_nothing(warm, data):
    content = bytearray((warm / "headers.jsonl").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    damaged = warm / "damaged.jsonl"
    damaged.write_bytes(bytes(content[:cut]))
    assert outcome_of(warm / "data", damaged) == outcome_of(warm / "data")


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["move", "rename", "remove", "touch", "swap", "other patient", "cut"]),
        st.sampled_from(["S1", "S2"]),
        st.integers(0, SLICES - 1),
    ),
    max_size=3,
)


@given(CHANGES, st.booleans())
@settings(max_examples=25, deadline=None)
def test_changed_files_are_read_again(warm, changes, second_round):
    """Whatever happened to the files, with the cache of before or of half of it, the index says the same."""
    root, cache = warm / "changed", warm / "changed.jsonl"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(warm / "data", root)
    cache.unlink(missing_ok=True)
    before = outcome_of(root, cache)
    assert before == outcome_of(root)
    for what, patient, k in changes:
        _change(root / patient / "ct", what, k)
        if second_round:
            outcome_of(root, cache)
    assert outcome_of(root, cache) == outcome_of(root)


def _change(folder, what, k):
    path = folder / f"{k:03d}.dcm"
    if not path.exists():
        return
    content, stat = path.read_bytes(), path.stat()
    if what == "rename":
        path.rename(folder / f"x{k}.dcm")
    elif what == "remove":
        path.unlink()
    elif what == "touch":
        os.utime(path, (1e9, 1e9))
    elif what == "swap":
        other = folder / f"{(k + 1) % SLICES:03d}.dcm"
        if other.exists():
            path.write_bytes(other.read_bytes())
            other.write_bytes(content)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # same size, same time of change
    elif what == "cut":
        path.write_bytes(content[:-100])
    else:
        shift = b"50" if what == "move" else b"S1"
        other = b"57" if what == "move" else b"S9"
        path.write_bytes(content.replace(shift, other, 1))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
