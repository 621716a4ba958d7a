"""From a DICOMweb archive: found by QIDO-RS, retrieved by WADO-RS, object by object (PS3.18)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydicom.errors import InvalidDicomError

from perisurv.archives.objects import ObjectFolder, ObjectUids, is_uid, uids_of
from perisurv.archives.query import Query
from perisurv.core import ArchiveError, InputError, ReadError

__all__ = ["Login", "PullOptions", "Pulled", "pull"]

_LOG = logging.getLogger(__name__)
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+): *([\x20-\x7e]+)")
NAMED = 3  # lists that are too short, in a message
# What an answer raises that is no DICOM JSON or no DICOM object.
_NOT_DICOMWEB = (AttributeError, EOFError, IndexError, InvalidDicomError, KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in. Secrets stand in no message, log or file.

    Parameters
    ----------
    user, password
        HTTP basic authentication; an empty user: none.
    header
        One header as ``Name: value``, such as ``Authorization: Bearer ...``; empty: none.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    header: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.header and not _HEADER.fullmatch(self.header):
            raise InputError("The header must read 'Name: value', in one line of ASCII.")


@dataclass(frozen=True, slots=True)
class PullOptions:
    """What to retrieve.

    Parameters
    ----------
    studies
        StudyInstanceUIDs.
    patients
        PatientIDs, matched exactly.
    everything
        All studies of the archive, in place of the two.
    modalities
        Modalities of the series.
    timeout_s
        Seconds without an answer after which to give up.
    """

    studies: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()
    everything: bool = False
    modalities: tuple[str, ...] = ("CT", "RTSTRUCT", "SEG")
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        if bool(self.studies or self.patients) == self.everything:
            raise InputError("Say which studies or patients to pull, or ask for all of them; not both.")
        for uid in self.studies:
            if not is_uid(uid):
                raise InputError(f"{uid!r} is no StudyInstanceUID: digits and dots, 64 characters at most.")
        for patient in self.patients:
            if not patient.strip() or set(patient) & set("*?\\"):
                raise InputError(f"Patient {patient!r}: give whole IDs; blanks, *, ? and \\ are not searched for.")


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came of it, as counts.

    Parameters
    ----------
    studies, series
        What was found.
    fetched, present
        Objects retrieved now, and objects that were there already.
    """

    studies: int
    series: int
    fetched: int
    present: int


def pull(
    url: str,
    folder: Path,
    options: PullOptions,
    *,
    login: Login = Login(),
    progress: Callable[[str, int, int | None], object] = lambda *_: None,
) -> Pulled:
    """Retrieve studies into ``folder/study/series/object.dcm``; objects that lie there whole are passed over.

    Objects come in the transfer syntax in which the archive holds them; one is in memory at a time.

    Parameters
    ----------
    url
        Root of the DICOMweb service, ``http`` or ``https``; certificates are verified.

    Raises
    ------
    InputError
        If the URL, the login or a study or patient is wrong, or dicomweb-client is not installed.
    ArchiveError
        If the archive cannot be reached, lists fewer objects than it says to have, or some objects cannot be
        retrieved. What came stays.
    """
    client, session = _client(url, login, options.timeout_s)
    query = Query(client, session)
    with _explained(url):
        studies = query.studies(options.studies, options.patients, options.everything)
        wanted = [uids for study in studies for uids in query.objects(study, options.modalities)]
    store = ObjectFolder(folder)
    missing = [uids for uids in wanted if not store.path(uids).is_file()]
    failures = []
    for n, uids in enumerate(missing, start=1):
        problem = _retrieve(client, url, store, uids)
        if problem:
            failures.append(problem)
        progress("pull", n, len(missing))
    problems = query.withheld[:NAMED]
    if len(query.withheld) > NAMED:
        problems.append(f"So it is with {len(query.withheld) - NAMED} more lists.")
    if failures:
        problems.append(f"{len(failures)} of {len(wanted)} objects did not come; the first: {failures[0]}")
    if problems:
        raise ArchiveError(f"{' '.join(problems)} The others lie in {folder}; run the same command again for the rest.")
    series = {(uids.study, uids.series) for uids in wanted}
    return Pulled(len(studies), len(series), len(missing), len(wanted) - len(missing))


def _client(url: str, login: Login, timeout_s: float) -> tuple[Any, Any]:
    scheme = _checked_scheme(url)
    try:
        from dicomweb_client import DICOMwebClient  # noqa: PLC0415 (loaded when first used)
        from requests import Session  # noqa: PLC0415
    except ImportError:
        raise InputError("Pulling needs dicomweb-client: pip install dicomweb-client.") from None
    session = Session()
    session.max_redirects = 0  # a login never follows to another server
    if (login.user or login.header) and scheme == "http":
        _LOG.warning("The login goes over the network unencrypted (http); use https beyond this machine.")
    if login.user:
        session.auth = (login.user, login.password)
    if login.header:
        name, value = login.header.split(":", 1)
        session.headers[name] = value.strip()
    client = DICOMwebClient(url.rstrip("/"), session=session, timeout=timeout_s, permissive_uid=True)
    client.set_http_retry_params(retry=False)
    return client, session


def _checked_scheme(url: str) -> str:
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise InputError("The URL cannot be read; give one such as https://archive.example/dicom-web.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_valid:
        raise InputError("Only http and https URLs are pulled from, such as https://archive.example/dicom-web.")
    if parts.username is not None or parts.password is not None:
        raise InputError("The URL holds a login. Give the user by --user and the password as it asks for.")
    if parts.query or parts.fragment:
        raise InputError("The URL must be the root of the DICOMweb service, without ? and #.")
    return parts.scheme


def _retrieve(client: Any, url: str, store: ObjectFolder, uids: ObjectUids) -> str:
    """Fetch one object; the sentence of what is wrong with it, or nothing."""
    try:
        with _explained(url):
            data = client.retrieve_instance(uids.study, uids.series, uids.instance)
            got = uids_of(data)
    except (_NotThereError, _NotGivenError, ReadError) as error:
        return f"object {uids.instance}: {error}"
    if got != uids:
        return f"object {uids.instance}: the archive sent another one."
    try:
        store.add(uids, lambda file: data.save_as(file, enforce_file_format=True))
    except _NOT_DICOMWEB:
        return f"object {uids.instance}: what the archive sent cannot be written as DICOM."
    return ""


class _NotThereError(InputError):
    """The server answers, but not with what was asked for."""


class _NotGivenError(ArchiveError):
    """The archive has the resource and cannot give it."""


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Say what failed in a sentence. The libraries' own texts may hold the query, and so a patient."""
    from requests import exceptions  # noqa: PLC0415 (loaded when first used)

    host = urlsplit(url).netloc
    try:
        yield
    except exceptions.HTTPError as error:
        raise _refusal(getattr(error.response, "status_code", 0), host) from None
    except exceptions.TooManyRedirects:
        raise InputError(f"{host} redirects to another address; give the final URL of its DICOMweb service.") from None
    except exceptions.SSLError:
        raise ArchiveError(
            f"The certificate of {host} is not trusted. Name the certificates of your organisation in the environment "
            "variable REQUESTS_CA_BUNDLE."
        ) from None
    except exceptions.Timeout:
        raise ArchiveError(f"{host} does not answer in time; what came stays, try again later.") from None
    except (exceptions.JSONDecodeError, *_NOT_DICOMWEB):
        raise _NotThereError(
            f"{host} does not answer as DICOMweb; give the root of the service, often /dicom-web."
        ) from None
    except exceptions.RequestException:
        raise ArchiveError(f"{host} cannot be reached, or broke off; check address and port, or try again.") from None


def _refusal(status: int, host: str) -> InputError | ArchiveError:
    if status in (401, 403):
        return InputError(f"{host} refuses the login (HTTP {status}); give --user or --header-env.")
    if status == 404:
        return _NotThereError(f"{host} has nothing there (HTTP 404); check the path of the URL, often /dicom-web.")
    return _NotGivenError(f"{host} failed (HTTP {status}); try again later, or ask who runs it.")
