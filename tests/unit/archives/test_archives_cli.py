"""The verb fetch: what it says before it starts, what it asks, and how it ends."""

import json
import sys

import pytest
from cohort_files import write_patient
from object_store import index_of
from typer.testing import CliRunner

from perisurv.archives import Login, PullOptions, ReceiveOptions, load_index, pull, receive
from perisurv.cli import app, main
from perisurv.core import InputError


@pytest.fixture
def index(store, tmp_path, monkeypatch):
    write_patient(tmp_path / "source", "S1")
    index = index_of(tmp_path / "source", store)
    monkeypatch.setattr("perisurv.archives.load_index", lambda: index)
    return index


@pytest.fixture
def terminal(monkeypatch):
    """Somebody sits there."""
    monkeypatch.setattr(
        "perisurv.cli_archives.sys", type("Terminal", (), {"stdin": type("In", (), {"isatty": lambda: True})})
    )


def fetch(*arguments, **options):
    return CliRunner().invoke(app, ["fetch", *map(str, arguments)], **options)


def test_terms_and_size_are_shown_before_it_asks(index, terminal, tmp_path, store):
    refused = fetch("nsclc-radiomics", tmp_path / "got", "--endpoint", store.url, input="n\n")
    assert refused.exit_code == 1
    for words in ("1 patients, 2 series", "CC BY-NC 3.0 https://creativecommons.org", "cite: Aerts et al.", "Fetch?"):
        assert words in refused.output
    assert not (tmp_path / "got").exists()
    agreed = fetch("nsclc-radiomics", tmp_path / "got", "--endpoint", store.url, input="y\n")
    assert f"1 patients, 2 series in {tmp_path / 'got'} (2 came now)" in agreed.stdout
    assert f"next: perisurv index {tmp_path / 'got' / 'study.toml'}" in agreed.stdout


def test_where_nobody_sits_it_does_not_start_unasked(index, tmp_path, store):
    result = fetch("nsclc-radiomics", tmp_path / "got", "--endpoint", store.url)
    assert "add --yes" in str(result.exception)
    assert not (tmp_path / "got").exists()


def test_a_dry_run_writes_nothing(index, tmp_path):
    told = json.loads(fetch("nsclc-radiomics", tmp_path / "got", "--dry-run", "--json").stdout)
    assert (told["patients"], told["series"], told["collection"]) == (1, 2, "nsclc_radiomics")
    assert told["licences"][0]["name"] == "CC BY-NC 3.0"
    assert not (tmp_path / "got").exists()


def test_the_list(index):
    assert fetch("--list").stdout.split() == ["nsclc_radiomics", "1", "patients", "0.0", "GB", "CC", "BY-NC", "3.0"]
    (entry,) = json.loads(fetch("--list", "--json").stdout)
    assert (entry["name"], entry["patients"]) == ("nsclc_radiomics", 1)


@pytest.mark.parametrize(("break_it", "code"), [(False, 2), (True, 1)])
def test_exit_codes(index, store, tmp_path, monkeypatch, capsys, break_it, code):
    """2: what was asked for is not there; 1: the archive failed."""
    store.s3.delete_object(Bucket="idc-open-data", Key=store.objects()[0])
    collection = "nsclc-radiomics" if break_it else "nsclc-radiomicz"
    command = ["perisurv", "fetch", collection, str(tmp_path / "got"), "--yes", "--endpoint", store.url]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == code
    assert ("did not come" if break_it else "nearest") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("package", "use"),
    [
        ("idc_index", lambda folder: load_index()),
        ("pynetdicom", lambda folder: receive(folder, ReceiveOptions(port=0, until_idle_s=0.1))),
        ("dicomweb_client", lambda folder: pull("http://h/x", folder, PullOptions(everything=True), login=Login())),
    ],
)
def test_what_is_not_installed_is_named(monkeypatch, tmp_path, package, use):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=f"pip install {package.replace('_', '-')}"):
        use(tmp_path)
