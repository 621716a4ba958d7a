"""A real object store, a real index of it, and a real Orthanc; all on the loopback, all gone after the test."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from object_store import ObjectStore

ORTHANC = shutil.which("Orthanc") or "/usr/sbin/Orthanc"
DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
USER, PASSWORD = "reader", "s3cret-Pass"


@pytest.fixture(scope="session")
def running_store():
    with ObjectStore() as server:
        yield server


@pytest.fixture
def store(running_store):
    """The S3 server of the session, without any object."""
    running_store.clear()
    yield running_store
    running_store.go_on.set()


@dataclass
class Orthanc:
    """A running Orthanc: REST and DICOMweb at ``url``."""

    url: str
    auth: tuple[str, str] = (USER, PASSWORD)

    @property
    def dicomweb(self) -> str:
        return f"{self.url}/dicom-web"

    def call(self, method: str, path: str, **options) -> requests.Response:
        answer = requests.request(method, f"{self.url}{path}", auth=self.auth, timeout=30, **options)
        answer.raise_for_status()
        return answer

    def upload(self, folder: Path) -> None:
        for path in sorted(folder.rglob("*.dcm")):
            self.call("POST", "/instances", data=path.read_bytes())

    def send_all(self, title: str, port: int) -> requests.Response:
        """C-STORE every instance to a node that is told by its title and port."""
        self.call("PUT", "/modalities/node", json={"AET": title, "Host": "127.0.0.1", "Port": port, "Timeout": 20})
        studies = self.call("GET", "/studies").json()
        return requests.post(f"{self.url}/modalities/node/store", auth=self.auth, timeout=60, json=studies)

    def clear(self) -> None:
        for patient in self.call("GET", "/patients").json():
            self.call("DELETE", f"/patients/{patient}")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="session")
def running_orthanc(tmp_path_factory):
    if not (Path(ORTHANC).exists() and DICOMWEB.exists()):
        pytest.skip("Orthanc absent: apt-get install orthanc orthanc-dicomweb")
    home = tmp_path_factory.mktemp("orthanc")
    port = free_port()
    config = {
        "StorageDirectory": str(home), "IndexDirectory": str(home), "Plugins": [str(DICOMWEB)],
        "HttpPort": port, "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True, "RegisteredUsers": {USER: PASSWORD},
        "DicomAet": "ORTHANC", "DicomServerEnabled": False, "OverwriteInstances": True,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "StudiesMetadata": "Full", "SeriesMetadata": "Full"},
    }  # fmt: skip
    (home / "orthanc.json").write_text(json.dumps(config), encoding="utf-8")
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([ORTHANC, str(home / "orthanc.json")], stdout=log, stderr=log)
    server = Orthanc(f"http://127.0.0.1:{port}")
    try:
        for _ in range(900):
            assert process.poll() is None, (home / "log").read_text()
            try:
                server.call("GET", "/system")
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def orthanc(running_orthanc):
    """The Orthanc of the session, empty."""
    running_orthanc.clear()
    return running_orthanc
