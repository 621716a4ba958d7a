"""What a node sends lies in the folder as it came, once, whole; what does not belong there is refused."""

import errno
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cohort_files import write_ct, write_patient
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import JPEG2000Lossless, RLELossless
from pynetdicom import AE

from perisurv.archives import Received, ReceiveOptions, Receiver, receive
from perisurv.archives.objects import STORAGE_CLASSES, ObjectFolder, ObjectUids, is_uid
from perisurv.cohort import read_patient
from perisurv.cohort.dicom import CT_CLASSES
from perisurv.cohort.dicomseg.read import SEG_CLASSES
from perisurv.cohort.rtstruct.read import RTSTRUCT_CLASS
from perisurv.core import InputError, ReadError

SUCCESS, OUT_OF_RESOURCES, DOES_NOT_MATCH, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xA900, 0xC000
MR = "1.2.840.10008.5.1.4.1.1.4"


@pytest.fixture(scope="module")
def running():
    """Receivers of the module. Each needs half a second to end, so they end together."""
    receivers = []
    yield receivers
    with ThreadPoolExecutor(len(receivers)) as pool:
        list(pool.map(lambda receiver: receiver.__exit__(), receivers))


@pytest.fixture
def listen(running, tmp_path):
    """Start a receiver of the test on a free port."""

    def start(**options):
        running.append(Receiver(tmp_path / "got", ReceiveOptions(port=0, **options)).__enter__())
        return running[-1]

    return start


def counts(receiver):
    """What has come; Orthanc offers a hundred classes of objects whatever it sends."""
    return replace(receiver.received, not_taken=())


def slices(tmp_path, n=1):
    return [dcmread(path) for path in write_ct(tmp_path / "source", "P1", slices=range(n))]


def send(receiver, *datasets, title="SENDER", uid=None):
    """C-STORE by pynetdicom; the statuses, or nothing if the node does not talk to us."""
    entity = AE(ae_title=title)
    for data in datasets:
        entity.add_requested_context(data.SOPClassUID, data.file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", receiver.port)
    if not association.is_established:
        return []
    try:
        if uid:
            datasets[0].SOPInstanceUID = uid
        return [association.send_c_store(data).Status for data in datasets]
    finally:
        association.release()


def dataset_bytes(path: Path) -> bytes:
    """The data set as it is encoded in a file, without preamble and file meta information."""
    data = path.read_bytes()
    length = int.from_bytes(data[140:144], "little")
    return data[144 + length :]


def test_what_orthanc_sends_lies_there_byte_for_byte(orthanc, listen, tmp_path):
    write_patient(tmp_path / "source", "S1")
    write_patient(tmp_path / "source", "S2")
    orthanc.upload(tmp_path / "source")
    receiver = listen()
    orthanc.send_all("PERISURV", receiver.port).raise_for_status()
    assert counts(receiver) == Received(patients=2, series=4, objects=18, repeated=0, refused=0, rejected=0)
    sent, got = (sorted(map(dataset_bytes, (tmp_path / n).rglob("*.dcm"))) for n in ("source", "got"))
    assert got == sent
    cohort = read_patient(tmp_path / "got")
    assert cohort.ids == ("S1", "S2")
    for patient in cohort.ids:
        expected, scan = read_patient(tmp_path / "source" / patient)[patient].load(), cohort[patient].load()
        assert np.array_equal(scan.ct.values, expected.ct.values)
        assert np.array_equal(scan.tumour.values, expected.tumour.values)


def test_sent_twice_it_lies_there_once(orthanc, listen, tmp_path):
    write_ct(tmp_path / "source", "S1")
    orthanc.upload(tmp_path / "source")
    receiver = listen()
    for _ in range(2):
        orthanc.send_all("PERISURV", receiver.port).raise_for_status()
    assert counts(receiver) == Received(patients=1, series=1, objects=8, repeated=8, refused=0, rejected=0)
    assert len(list((tmp_path / "got").rglob("*.dcm"))) == 8


def test_orthanc_asks_whether_it_is_there(orthanc, listen):
    receiver = listen()
    node = {"AET": "PERISURV", "Host": "127.0.0.1", "Port": receiver.port}
    orthanc.call("PUT", "/modalities/echo", json=node)
    assert orthanc.call("POST", "/modalities/echo/echo", json={}).status_code == 200


def test_the_classes_that_come_are_those_that_the_index_reads():
    assert set(STORAGE_CLASSES.values()) == {*CT_CLASSES, RTSTRUCT_CLASS, *SEG_CLASSES}


@pytest.mark.parametrize(
    ("sop_class", "name"),
    [
        (MR, "MR Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.128", "Positron Emission Tomography Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.2", "RT Dose Storage"),
        ("1.3.12.2.1107.5.9.1", "1.3.12.2.1107.5.9.1"),
    ],
)
def test_a_class_that_is_not_taken_is_named_though_no_object_of_it_comes(listen, sop_class, name):
    receiver = listen()
    entity = AE(ae_title="SENDER")
    entity.add_requested_context(sop_class)
    entity.add_requested_context(STORAGE_CLASSES["CT"])
    association = entity.associate("127.0.0.1", receiver.port)
    association.release()
    assert receiver.received.not_taken == (name,)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_objects_stay_as_they_are(listen, tmp_path, syntax):
    (data,) = slices(tmp_path)
    if syntax == RLELossless:
        data.compress(syntax)
    else:  # bytes that only look compressed: nobody may try to decode them
        data.PixelData = b"\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0\x04\x00\x00\x00\xff\x4f\xff\x51"
        data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True
        data.file_meta.TransferSyntaxUID = syntax
    assert send(listen(), data) == [SUCCESS]
    (path,) = (tmp_path / "got").rglob("*.dcm")
    got = dcmread(path)
    assert got.file_meta.TransferSyntaxUID == syntax
    assert got.PixelData == data.PixelData


def test_the_classes_of_a_cohort_are_taken_and_no_others(listen, tmp_path):
    receiver = listen()
    for data, sop_class in zip(slices(tmp_path, 7), [MR, *STORAGE_CLASSES.values()], strict=True):
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = sop_class
        assert send(receiver, data) == ([] if sop_class == MR else [SUCCESS])
    assert receiver.received.objects == len(STORAGE_CLASSES)


def test_only_allowed_callers_are_heard(listen, tmp_path):
    receiver = listen(allow=("ECLIPSE", "PACS"))
    (data,) = slices(tmp_path)
    assert send(receiver, data, title="STRANGER") == []
    assert send(receiver, data, title="PACS") == [SUCCESS]
    assert (receiver.received.objects, receiver.received.rejected) == (1, 1)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_text_from_the_wire_is_no_path(listen, tmp_path):
    (data,) = slices(tmp_path)
    receiver = listen()
    for evil in ("../../../evil", "/etc/evil", "1.2.3/4", "", "1." * 32 + "1", "1.2..3", "1.2 3", "1,2"):
        data.SeriesInstanceUID = evil
        assert send(receiver, data) == [NOT_UNDERSTOOD]
    assert receiver.received.refused == 8
    assert {path.name for path in tmp_path.iterdir()} == {"source", "got"}
    assert not list((tmp_path / "got").iterdir())


@given(st.text(max_size=80) | st.from_regex(r"[0-9.]{1,70}", fullmatch=True))
def test_a_uid_is_a_file_name_inside_its_folder(text):
    if is_uid(text):
        assert re.fullmatch(r"[0-9.]{1,64}", text)
        assert Path("folder", text).resolve().parent == Path("folder").resolve()
        assert ".." not in text
    else:
        with pytest.raises(ReadError):
            ObjectUids("1.2", text, "3")


def test_what_is_another_object_or_none_is_refused(listen, tmp_path, monkeypatch):
    first, second = slices(tmp_path, 2)
    (tmp_path / "source" / "001.dcm").rename(tmp_path / "second")
    receiver = listen()
    rubbish = b"\x08\x00\x18\x00UI\xff\xff" + b"rubbish" * 9
    for data, status in ((dataset_bytes(tmp_path / "second"), DOES_NOT_MATCH), (rubbish, NOT_UNDERSTOOD)):
        monkeypatch.setattr("pynetdicom.association.encode", lambda *_, wire=data: wire)
        assert send(receiver, first) == [status]
    assert not list((tmp_path / "got").iterdir())
    assert second.SOPInstanceUID != first.SOPInstanceUID


def test_a_full_disk_is_a_failure_and_leaves_nothing(listen, tmp_path, monkeypatch, caplog):
    (data,) = slices(tmp_path)
    receiver = listen()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert send(receiver, data) == [OUT_OF_RESOURCES]
    assert not [path for path in (tmp_path / "got").rglob("*") if path.is_file()]
    assert "No space left on device" in caplog.text
    monkeypatch.undo()
    assert send(receiver, data) == [SUCCESS]


def test_the_same_name_with_other_content_does_not_replace_the_first(listen, tmp_path, caplog):
    (data,) = slices(tmp_path)
    receiver = listen()
    send(receiver, data)
    (path,) = (tmp_path / "got").rglob("*.dcm")
    before = path.read_bytes()
    data.KVP = "120"
    assert send(receiver, data) == [SUCCESS]
    assert path.read_bytes() == before
    assert "came again with other bytes" in caplog.text


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_identity_in_logs_or_names(listen, tmp_path, caplog):
    """Not even of values that pydicom would complain about."""
    (data,) = slices(tmp_path)
    data.PatientName, data.PatientID, data.PatientBirthDate = "Secret^Name", "SecretID" * 10, "Secretdate"
    receiver = listen()
    caplog.clear()
    caplog.set_level(logging.INFO)
    send(receiver, data)
    data.SeriesInstanceUID = "Secret"
    caplog.clear()
    send(receiver, data)
    assert (receiver.received.objects, receiver.received.refused) == (1, 1)
    names = [str(path) for path in (tmp_path / "got").rglob("*")]
    assert not [text for text in [caplog.text, *names] if "Secret" in text]


def test_what_a_killed_run_left_unfinished_is_removed(tmp_path):
    leftover = tmp_path / "1.2" / "3.4" / ".5.6.dcm.0a1b2c3d.part"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half")
    ObjectFolder(tmp_path)
    assert not leftover.exists()


def test_it_listens_on_this_machine_only(listen):
    receiver = listen()
    assert receiver._server.server_address[0] == "127.0.0.1"


def test_a_taken_port_is_said(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="cannot be opened.*choose another port"):
            receive(tmp_path, ReceiveOptions(port=taken.getsockname()[1]))


def test_it_stops_when_nothing_comes(tmp_path):
    nothing = Received(patients=0, series=0, objects=0, repeated=0, refused=0, rejected=0)
    assert receive(tmp_path, ReceiveOptions(port=0, until_idle_s=0.2)) == nothing


@pytest.mark.parametrize(
    "options", [{"port": 70000}, {"aet": ""}, {"aet": "X" * 17}, {"allow": ("Ü",)}, {"until_idle_s": 0.0}]
)
def test_impossible_options_are_refused(options):
    with pytest.raises(InputError):
        ReceiveOptions(**options)


def wait_until_open(port):
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


def test_ctrl_c_ends_with_counts(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "perisurv", "receive", str(tmp_path / "got"), "--port", str(port), "--json"]
    node = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    (data,) = slices(tmp_path)
    entity = AE(ae_title="SENDER")
    entity.add_requested_context(data.SOPClassUID)
    wait_until_open(port)
    association = entity.associate("127.0.0.1", port)
    assert association.send_c_store(data).Status == SUCCESS
    association.release()
    node.send_signal(signal.SIGINT)
    told, _ = node.communicate(timeout=120)
    assert node.returncode == 0
    assert '"objects": 1' in told
