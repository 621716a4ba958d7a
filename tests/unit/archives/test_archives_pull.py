"""From a real Orthanc by DICOMweb: what it holds lies in the folder, once; what goes wrong is said without a secret."""

import http.server
import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import requests
from cohort_files import uid, write_ct, write_patient
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless
from typer.testing import CliRunner

from perisurv.archives import Login, PullOptions, pull
from perisurv.archives.objects import STORAGE_CLASSES
from perisurv.cli import app
from perisurv.cohort import read_patient
from perisurv.core import ArchiveError, InputError

S1 = PullOptions(patients=("S1",))
EVERYTHING = PullOptions(everything=True)


@pytest.fixture
def login(orthanc):
    return Login(*orthanc.auth)


@pytest.fixture
def filled(orthanc, tmp_path):
    for patient in ("S1", "S2"):
        write_patient(tmp_path / "source", patient)
    orthanc.upload(tmp_path / "source")
    return orthanc


def contents(folder):
    return sorted(path.read_bytes() for path in folder.rglob("*.dcm"))


def pixels(folder):
    return {p.SOPInstanceUID: p.PixelData for p in map(dcmread, folder.rglob("*.dcm")) if "PixelData" in p}


@contextmanager
def serving(answer):
    """A server that answers every GET by ``answer(handler)``; its list of paths."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, dict(self.headers)))
            answer(self)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/dicom-web", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def passing_on(orthanc, spoil=lambda handler: False):
    """Answer as Orthanc does, unless ``spoil`` has answered."""

    def answer(handler):
        if spoil(handler):
            return
        headers = {"Accept": handler.headers["Accept"]}
        got = requests.get(orthanc.url + handler.path, headers=headers, auth=orthanc.auth, timeout=30)
        handler.send_response(got.status_code)
        handler.send_header("Content-Type", got.headers.get("Content-Type", ""))
        handler.send_header("Content-Length", str(len(got.content)))
        handler.end_headers()
        handler.wfile.write(got.content)

    return answer


def status(code):
    def answer(handler):
        handler.send_response(code)
        handler.send_header("Location", "/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    return answer


def test_patients_come_voxel_for_voxel(filled, login, tmp_path):
    got = pull(filled.dicomweb, tmp_path / "got", PullOptions(patients=("S1", "S2")), login=login)
    assert (got.studies, got.series, got.fetched, got.present) == (2, 4, 18, 0)
    assert contents(tmp_path / "got") == contents(tmp_path / "source")
    cohort = read_patient(tmp_path / "got")
    assert cohort.ids == ("S1", "S2")
    for patient in cohort.ids:
        expected, scan = read_patient(tmp_path / "source" / patient)[patient].load(), cohort[patient].load()
        assert np.array_equal(scan.ct.values, expected.ct.values)
        assert np.array_equal(scan.tumour.values, expected.tumour.values)


def test_only_what_was_asked_for_comes(filled, login, tmp_path):
    pull(filled.dicomweb, tmp_path / "a", PullOptions(studies=(uid("S2", "study"),)), login=login)
    assert read_patient(tmp_path / "a").ids == ("S2",)
    pull(filled.dicomweb, tmp_path / "b", PullOptions(patients=("S1",), modalities=("RTSTRUCT",)), login=login)
    assert [dcmread(path).Modality for path in (tmp_path / "b").rglob("*.dcm")] == ["RTSTRUCT"]
    assert pull(filled.dicomweb, tmp_path / "c", EVERYTHING, login=login).fetched == 18


def test_again_only_what_is_missing_comes(filled, login, tmp_path):
    pull(filled.dicomweb, tmp_path / "got", S1, login=login)
    lost = sorted((tmp_path / "got").rglob("*.dcm"))[3]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "got").rglob("*.dcm")}
    lost.unlink()
    got = pull(filled.dicomweb, tmp_path / "got", S1, login=login)
    assert (got.fetched, got.present) == (1, 8)
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "got").rglob("*.dcm")}
    assert [path for path in before if after[path] != before[path]] == [lost]


def test_killed_in_the_middle_it_goes_on(filled, tmp_path):
    """kill -9 while the sixth object is half-way."""
    objects, stopped, go_on = [], threading.Event(), threading.Event()

    def stall(handler):
        if "/instances/" not in handler.path:
            return False
        objects.append(handler.path)
        if len(objects) != 6:
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", "5000")
        handler.end_headers()
        handler.wfile.write(b"half an object")
        stopped.set()
        go_on.wait(120)
        return True

    with serving(passing_on(filled, stall)) as (url, _):
        script = textwrap.dedent(f"""
            from pathlib import Path
            from perisurv.archives import PullOptions, pull
            pull({url!r}, Path({str(tmp_path / "got")!r}), PullOptions(patients=("S1",)))
        """)
        child = subprocess.Popen([sys.executable, "-c", script])
        assert stopped.wait(120)
        os.kill(child.pid, signal.SIGKILL)
        child.wait(60)
        go_on.set()
        assert len(contents(tmp_path / "got")) == 5
        objects_before = set(objects[:5])
        got = pull(url, tmp_path / "got", S1)
        assert (got.fetched, got.present) == (4, 5)
        assert not objects_before & set(objects[6:])
    assert contents(tmp_path / "got") == contents(tmp_path / "source" / "S1")


def test_compressed_and_enhanced_objects_stay_as_they_are(orthanc, login, tmp_path):
    (path,) = write_ct(tmp_path / "source", "S1", slices=[0])
    data = dcmread(path)
    data.compress(RLELossless, generate_instance_uid=False)
    data.save_as(path)
    (path,) = write_ct(tmp_path / "source", "S1", series="enhanced", slices=[1])
    data = dcmread(path)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = STORAGE_CLASSES["Enhanced CT"]
    data.save_as(path)
    orthanc.upload(tmp_path / "source")
    pull(orthanc.dicomweb, tmp_path / "got", S1, login=login)
    got = [dcmread(path) for path in (tmp_path / "got").rglob("*.dcm")]
    assert {data.file_meta.TransferSyntaxUID for data in got} >= {RLELossless}
    assert pixels(tmp_path / "got") == pixels(tmp_path / "source")


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_no_identity_in_logs_or_names(orthanc, login, tmp_path, caplog, syntax):
    """Not even of values that pydicom would complain about, and these come as they are."""
    (path,) = write_ct(tmp_path / "source", "S1", slices=[0])
    data = dcmread(path)
    with pytest.warns(UserWarning, match="exceeds|Invalid value"):
        data.PatientName, data.PatientBirthDate, data.PatientAge = "Secret" * 20, "Secretdate", "SecretAge"
    data.file_meta.TransferSyntaxUID = syntax
    data.save_as(path, implicit_vr=syntax.is_implicit_VR, little_endian=True)
    orthanc.upload(tmp_path / "source")
    caplog.clear()
    caplog.set_level(logging.INFO)
    pull(orthanc.dicomweb, tmp_path / "got", S1, login=login)
    (got,) = (tmp_path / "got").rglob("*.dcm")
    assert "Secret" not in caplog.text + str(got)
    assert got.read_bytes() == path.read_bytes()


def test_one_object_that_fails_does_not_keep_the_others(filled, tmp_path):
    broken = set()

    def fail(handler):
        if "/instances/" in handler.path and not broken:
            broken.add(handler.path)
        return handler.path in broken and status(500)(handler)

    with serving(passing_on(filled, fail)) as (url, _):
        with pytest.raises(ArchiveError, match=r"1 of 9 objects did not come.*HTTP 500.*run the same command again"):
            pull(url, tmp_path / "got", S1)
        assert len(contents(tmp_path / "got")) == 8
        broken.clear()
        broken.add("")
        assert pull(url, tmp_path / "got", S1).fetched == 1


def test_another_object_than_asked_for_is_not_kept(filled, tmp_path):
    wrong = []

    def swap(handler):
        if "/instances/" in handler.path:
            wrong.append(handler.path)
            handler.path = wrong[0]
        return False

    with serving(passing_on(filled, swap)) as (url, _), pytest.raises(ArchiveError, match="sent another one"):
        pull(url, tmp_path / "got", S1)
    assert len(contents(tmp_path / "got")) == 1


def test_answers_in_pages_are_put_together(filled, tmp_path):
    """Orthanc itself honours limits; a server that ignores the offset must not hang either."""

    def one_a_page(handler):
        if "/instances/" not in handler.path:
            handler.path += "&limit=1" if "?" in handler.path else "?limit=1"
        return False

    def no_offset(handler):
        handler.path = handler.path.replace("offset=", "ignored=")
        return False

    for name, spoil in (("paged", one_a_page), ("whole", no_offset)):
        with serving(passing_on(filled, spoil)) as (url, _):
            assert pull(url, tmp_path / name, S1).fetched == 9


STUDY, SERIES, INSTANCE, MODALITY = "0020000D", "0020000E", "00080018", "00080060"


def holding(objects, page, *, counts=True, offsets=True, warning="", series=1):
    """Answer queries as an archive of one study whose series hold ``objects`` each; no object can be had.

    ``page``: most answers at a time. ``counts``: numbers of series and objects are stated. ``offsets``: honoured.
    """

    def answer(handler):
        parts = urlsplit(handler.path)
        first = int(parse_qs(parts.query).get("offset", ["0"])[0]) if offsets else 0
        if "/instances/" in parts.path:
            handler.send_error(404)
            return
        if parts.path.endswith("/instances"):
            rows = [{INSTANCE: f"1.2.{n + 1}"} for n in range(objects)]
        elif parts.path.endswith("/series"):
            rows = [{SERIES: f"1.1.{n + 1}", MODALITY: "CT", "00201209": objects} for n in range(series)]
        else:
            rows = [{STUDY: "1.1", "00201206": series, "00100020": "S1"}]
        shown = rows[first : first + page]
        items = [
            {tag: {"Value": [value]} for tag, value in row.items() if counts or not tag.startswith("002012")}
            for row in shown
        ]
        body = json.dumps(items).encode()
        handler.send_response(200)
        if warning and first + len(shown) < len(rows):
            handler.send_header("Warning", warning)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        ({"objects": 7, "page": 3, "offsets": False}, "states 7 objects in series 1.1.1 and lists 3"),
        ({"objects": 2, "page": 2, "series": 5, "offsets": False}, "states 5 series in study 1.1 and lists 2"),
        ({"objects": 4, "page": 2, "offsets": False, "counts": False,
          "warning": '299 archive: "There are 2 additional results that can be requested"'},
         "cut its list of objects after 2 and does not give the rest"),
        ({"objects": 9, "page": 4, "series": 9, "offsets": False}, "So it is with [0-9]+ more lists"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("options", [S1, EVERYTHING, PullOptions(studies=("1.1",))])
def test_what_an_archive_withholds_is_named(tmp_path, archive, said, options):
    with serving(holding(**archive)) as (url, _), pytest.raises(ArchiveError, match=said):
        pull(url, tmp_path, options)


@pytest.mark.parametrize(
    "archive",
    [
        {"objects": 7, "page": 3},
        {"objects": 7, "page": 3, "counts": False},
        {"objects": 2, "page": 9, "offsets": False},
        {"objects": 4, "page": 2, "warning": '299 archive: "There are 2 additional results that can be requested"'},
    ],
)
def test_a_list_that_comes_whole_is_not_doubted(tmp_path, archive, caplog):
    """Every object is asked for; that this archive has none is another matter."""
    with serving(holding(**archive)) as (url, _), pytest.raises(ArchiveError) as error:
        pull(url, tmp_path, S1)
    assert f"{archive['objects']} of {archive['objects']} objects did not come" in str(error.value)
    assert "lists" not in str(error.value)
    assert "cannot be known" not in caplog.text


def test_where_nothing_tells_whether_a_list_is_whole_this_is_said(tmp_path, caplog):
    with serving(holding(7, 3, counts=False, offsets=False)) as (url, _), pytest.raises(ArchiveError):
        pull(url, tmp_path, S1)
    assert caplog.text.count("whether its lists are whole cannot be known") == 1


def test_the_verb_ends_with_1_where_an_archive_withholds(tmp_path):
    with serving(holding(7, 3, offsets=False)) as (url, _):
        command = [sys.executable, "-m", "perisurv", "pull", url, str(tmp_path), "--all"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "states 7 objects in series 1.1.1 and lists 3" in done.stderr


@pytest.mark.parametrize("login", [Login(), Login("reader", "wrong"), Login("stranger", "s3cret-Pass")])
def test_a_wrong_login_is_said_without_it(filled, tmp_path, login, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(InputError, match=r"refuses the login \(HTTP 401\)") as error:
        pull(filled.dicomweb, tmp_path / "got", S1, login=login)
    assert "s3cret" not in f"{error.value}{caplog.text}{login}"
    assert not (tmp_path / "got").exists()


def test_what_the_archive_has_not_is_said(filled, login, tmp_path):
    with pytest.raises(InputError, match="no study of patient S9"):
        pull(filled.dicomweb, tmp_path, PullOptions(patients=("S9",)), login=login)
    with pytest.raises(InputError, match=r"no study 1\.2\.3"):
        pull(filled.dicomweb, tmp_path, PullOptions(studies=("1.2.3",)), login=login)


def test_a_wrong_path_is_said(filled, login, tmp_path):
    with pytest.raises(InputError, match="HTTP 404.*often /dicom-web"):
        pull(f"{filled.url}/nothing", tmp_path, S1, login=login)


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b'{"a": 1}', b'["a"]', b"[[1]]"])
def test_what_is_no_dicomweb_is_said(tmp_path, body):
    def welcome(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with (
        serving(welcome) as (url, _),
        pytest.raises(InputError, match="does not answer as DICOMweb|no study of patient"),
    ):
        pull(url, tmp_path, S1)


def test_a_redirect_takes_no_login_along(tmp_path):
    with serving(status(302)) as (url, asked):
        with pytest.raises(InputError, match="redirects to another address"):
            pull(url, tmp_path, S1, login=Login(header="X-Key: abc"))
        assert [path.split("?")[0] for path, _ in asked] == ["/dicom-web/studies"]
        assert asked[0][1]["X-Key"] == "abc"


def test_silence_and_absence_are_said_without_the_patient(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    go_on = threading.Event()
    with serving(lambda _: go_on.wait(10)) as (url, _):
        with pytest.raises(ArchiveError, match="does not answer in time") as silent:
            pull(url, tmp_path, PullOptions(patients=("SecretID",), timeout_s=0.3))
        go_on.set()
    with pytest.raises(ArchiveError, match="cannot be reached") as absent:
        pull("http://127.0.0.1:9/dicom-web", tmp_path, PullOptions(patients=("SecretID",)))
    assert "SecretID" not in f"{silent.value}{absent.value}{caplog.text}"


@pytest.mark.parametrize(
    "url",
    ["ftp://host/dicom-web", "file:///etc/passwd", "host/dicom-web", "http://", "https://u:p@host/x", "http://h:x/y",
     "http://[::1/x",
     "https://host/x?a=b"],
)  # fmt: skip
def test_only_plain_urls_are_pulled_from(tmp_path, url):
    with pytest.raises(InputError):
        pull(url, tmp_path, S1)


@pytest.mark.parametrize(
    "options", [{}, {"studies": ("1.2",), "everything": True}, {"studies": ("../x",)}, {"patients": ("S*",)},
                {"patients": (" ",)}],
)  # fmt: skip
def test_what_to_pull_must_be_said(options):
    with pytest.raises(InputError):
        PullOptions(**options)


@pytest.mark.parametrize("header", ["no colon", "Name: a\r\nOther: b", ": x", "Na me: x"])
def test_a_header_is_one_line(header):
    with pytest.raises(InputError, match="Name: value"):
        Login(header=header)


def test_the_verb_takes_secrets_from_the_environment(filled, tmp_path, monkeypatch):
    user, password = filled.auth
    monkeypatch.setenv("PERISURV_PASSWORD", password)
    arguments = ["pull", filled.dicomweb, str(tmp_path / "got"), "--patient", "S1", "--user", user]
    result = CliRunner().invoke(app, arguments)
    assert "9 objects came now, 0 were there" in result.stdout
    token = requests.auth._basic_auth_str(user, password)
    monkeypatch.setenv("ARCHIVE_HEADER", f"Authorization: {token}")
    result = CliRunner().invoke(app, [*arguments[:-2], "--header-env", "ARCHIVE_HEADER"])
    assert "0 objects came now, 9 were there" in result.stdout
    result = CliRunner().invoke(app, [*arguments[:-2], "--header-env", "NOT_SET"])
    assert "NOT_SET is not set" in str(result.exception)


def test_a_password_that_is_not_there_is_asked_for(filled, tmp_path, monkeypatch):
    monkeypatch.delenv("PERISURV_PASSWORD", raising=False)
    user, password = filled.auth
    arguments = ["pull", filled.dicomweb, str(tmp_path / "got"), "--patient", "S1", "--user", user, "--json"]
    result = CliRunner().invoke(app, arguments, input=f"{password}\n")
    assert '"fetched": 9' in result.stdout
    assert password not in result.output


def test_nothing_of_the_path_is_taken_from_the_archive(tmp_path):
    """A series that calls itself ../../evil."""
    evil = [{"0020000E": {"Value": ["../../evil"]}, "00080060": {"Value": ["CT"]}, "00080018": {"Value": ["1.2"]}}]

    def answer(handler):
        body = b"[]" if "offset=1" in handler.path else str(evil).replace("'", '"').encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with serving(answer) as (url, _), pytest.raises(InputError):
        pull(url, tmp_path / "got", PullOptions(studies=("1.2",)))
    assert not list(tmp_path.iterdir())
    assert not Path(tmp_path.parent, "evil").exists()
