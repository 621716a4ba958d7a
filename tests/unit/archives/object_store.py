"""moto behind a counter: a real S3 server that can fail, or stop in the middle of an object."""

from __future__ import annotations

import threading
import uuid
from importlib.metadata import distribution
from pathlib import Path

import boto3
import numpy as np
import pandas as pd
from moto.backends import get_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from pydicom import dcmread
from werkzeug.serving import make_server

from perisurv.archives import IdcIndex

S5CMD = next(Path(str(f.locate())) for f in distribution("s5cmd").files or () if str(f).startswith("s5cmd/bin/s5cmd"))
CLINICAL = "bigquery_export/idc_v25_clinical"
DOI = "10.7937/k9/tcia.2015.pf0m9rei"


class _Quiet(MotoRequestHandler):
    def log(self, *_):
        pass


class ObjectStore:
    """``got`` lists the objects that were asked for; those in ``broken`` fail, those in ``stalled`` stop half-way."""

    def __init__(self):
        self.got, self.broken, self.stalled, self.go_on = [], set(), set(), threading.Event()
        self.asked = threading.Condition()
        self._inner = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        login = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
        self.s3 = boto3.client("s3", endpoint_url=self.url, **login)
        return self

    def __exit__(self, *_):
        self.s3.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def clear(self) -> None:
        """Forget everything but the buckets of the archive."""
        for account in get_backend("s3").values():
            account["aws"].reset()
        for bucket in ("idc-open-data", "idc-open-data-cr", "idc-open-metadata"):
            self.s3.create_bucket(Bucket=bucket)
        for names in (self.got, self.broken, self.stalled, self.go_on):
            names.clear()

    def put(self, key: str, body: bytes, bucket: str = "idc-open-data") -> None:
        self.s3.put_object(Bucket=bucket, Key=key, Body=body, ACL="public-read")

    def objects(self) -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket="idc-open-data")["Contents"]]

    def wait_for(self, key: str) -> None:
        """Return once an object was asked for."""
        with self.asked:
            assert self.asked.wait_for(lambda: key in self.got, timeout=120)

    def _answer(self, environ, start):
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] == "GET" and path.endswith(".dcm"):
            with self.asked:
                self.got.append(path.split("/", 2)[2])
                self.asked.notify_all()
            if self.got[-1] in self.broken:
                start("500 Internal Server Error", [])
                return []
            if self.got[-1] in self.stalled:
                return self._half(environ, start)
        return self._inner(environ, start)

    def _half(self, environ, start):
        body = b"".join(self._inner(environ, start))
        yield body[: len(body) // 2]
        self.go_on.wait(120)


def index_of(root: Path, store: ObjectStore | None = None, collection: str = "nsclc_radiomics") -> IdcIndex:
    """The index of every series below a folder; with a store, the series are put there in the layout of the archive."""
    by_series: dict[str, list[Path]] = {}
    for path in sorted(root.rglob("*.dcm")):
        by_series.setdefault(str(dcmread(path, stop_before_pixels=True).SeriesInstanceUID), []).append(path)
    rows = []
    for uid, paths in by_series.items():
        header, place = dcmread(paths[0], stop_before_pixels=True), str(uuid.uuid5(uuid.NAMESPACE_OID, uid))
        for path in paths if store else ():
            store.put(f"{place}/{uuid.uuid5(uuid.NAMESPACE_OID, str(path))}.dcm", path.read_bytes())
        rows.append({
            "collection_id": collection, "analysis_result_id": np.nan, "PatientID": str(header.PatientID),
            "SeriesInstanceUID": uid, "Modality": str(header.Modality), "instanceCount": len(paths),
            "series_size_MB": sum(p.stat().st_size for p in paths) / 1e6, "license_short_name": "CC BY-NC 3.0",
            "source_DOI": DOI, "series_aws_url": f"s3://idc-open-data/{place}/*",
        })  # fmt: skip
    source = {
        "source_doi": DOI.upper(), "citation": "Aerts <i>et al.</i> &amp; others",
        "license": {"license_url": "https://creativecommons.org/licenses/by-nc/3.0/"},
    }  # fmt: skip
    described = pd.DataFrame({"collection_id": [collection], "sources": [[source]]})
    return IdcIndex("v25", pd.DataFrame(rows), described, S5CMD, lambda: None)


def put_clinical(store: ObjectStore, table: pd.DataFrame, name: str = "nsclc_radiomics_clinical") -> None:
    """Put a clinical table where the archive exports them: a folder of Parquet files."""
    store.put(f"{CLINICAL}/{name}/000000000000.parquet", table.to_parquet(index=False), "idc-open-metadata")


def clinical_table(patients) -> pd.DataFrame:
    """Columns as in the archive: names without dots and capitals, the patient twice, a batch number."""
    n = len(patients)
    return pd.DataFrame({
        "dicom_patient_id": list(patients), "source_batch": [0] * n, "patientid": list(patients), "age": ["66.5"] * n,
        "clinicaltstage": ["2"] * n, "clinicalnstage": [1] * n, "clinicalmstage": [0] * n, "overallstage": ["IIb"] * n,
        "histology": ["adenocarcinoma"] * n, "gender": ["male"] * n,
        "survivaltime": [300 + 100 * k for k in range(n)], "deadstatusevent": [1] * n,
    })  # fmt: skip
