"""What a DICOMweb archive holds, by QIDO-RS (PS3.18 10.6), and where its lists are shorter than it says."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from perisurv.archives.objects import ObjectUids
from perisurv.core import InputError

__all__ = ["Query"]

_LOG = logging.getLogger(__name__)
# Attributes of an answer (PS3.18 10.6.3).
_MODALITY, _PATIENT, _INSTANCE, _STUDY, _SERIES = "00080060", "00100020", "00080018", "0020000D", "0020000E"
# NumberOfStudyRelatedSeries, NumberOfSeriesRelatedInstances
_SERIES_COUNT, _INSTANCE_COUNT = "00201206", "00201209"
# Code of the header with which a service says that there are more results (PS3.18 8.3.4.4).
_WARNING = "299"
Item = dict[str, dict[str, Any]]


class Query:
    """Searches one archive.

    Archives cut long answers, and some ignore the offset that asks for the rest. Their lists are compared with the
    numbers of series and objects that they state, and with their warning that an answer was cut.

    Parameters
    ----------
    client
        A dicomweb_client.DICOMwebClient.
    session
        Its requests.Session, for the headers of the answers.
    """

    def __init__(self, client: Any, session: Any) -> None:
        self._client = client
        self._cut = self._repeats = self._warned = False
        self._found: dict[str, Item] = {}
        self.withheld: list[str] = []  # a sentence for every list that is too short
        session.hooks["response"].append(self._see)

    def studies(self, uids: Sequence[str], patients: Sequence[str], everything: bool) -> list[str]:
        """StudyInstanceUIDs of what is asked for.

        Raises
        ------
        InputError
            If the archive has no study of a patient.
        """
        search = self._client.search_for_studies
        for uid in uids:
            answers = self._pages(search, _STUDY, "studies", search_filters={"StudyInstanceUID": uid})
            self._found[uid] = answers.get(uid, {})
        if everything:
            self._found |= self._pages(search, _STUDY, "studies")
            self._doubt()
        for patient in patients:
            answers = self._pages(search, _STUDY, "studies", search_filters={"PatientID": patient})
            own = {uid: item for uid, item in answers.items() if _value(item, _PATIENT).strip() == patient.strip()}
            if not own:
                raise InputError(f"The archive has no study of patient {patient}; check the ID.")
            self._found |= own
        return list(self._found)

    def objects(self, study: str, modalities: Sequence[str]) -> Iterator[ObjectUids]:
        """The objects of these modalities in one of the studies.

        Raises
        ------
        InputError
            If the archive does not have the study.
        """
        series = self._pages(self._client.search_for_series, _SERIES, "series", study_instance_uid=study)
        if not series:
            raise InputError(f"The archive has no study {study}; check the StudyInstanceUID.")
        self._compare(f"study {study}", self._found[study].get(_SERIES_COUNT), len(series), "series")
        for uid, item in series.items():
            if _value(item, _MODALITY) in modalities:
                where = {"study_instance_uid": study, "series_instance_uid": uid}
                instances = self._pages(self._client.search_for_instances, _INSTANCE, "objects", **where)
                self._compare(f"series {uid}", item.get(_INSTANCE_COUNT), len(instances), "objects")
                for instance in instances:
                    yield ObjectUids(study, uid, instance)

    def _pages(self, search: Callable[..., list[Item]], key: str, what: str, **query: Any) -> dict[str, Item]:
        """Answers by UID, page after page until one brings nothing new."""
        found: dict[str, Item] = {}
        was_cut = False
        while True:
            self._cut = False
            page = {_value(item, key): item for item in search(offset=len(found), **query)}
            if page.keys() <= found.keys():
                break
            found |= page
            was_cut = self._cut
        self._repeats |= bool(page)
        if was_cut:
            self.withheld.append(f"The archive cut its list of {what} after {len(found)} and does not give the rest.")
        return found

    def _compare(self, where: str, stated: dict[str, Any] | None, listed: int, what: str) -> None:
        """A list against the number that the archive states of it."""
        count = str(((stated or {}).get("Value") or [""])[0])
        if not count.isdecimal():
            self._doubt()
        elif int(count) > listed:
            self.withheld.append(f"The archive states {count} {what} in {where} and lists {listed}.")

    def _doubt(self) -> None:
        if self._repeats and not self._warned:
            self._warned = True
            _LOG.warning(
                "The archive repeats its answers and states no numbers: whether its lists are whole cannot be known. "
                "Compare the number of studies and objects with what the archive itself shows."
            )

    def _see(self, response: Any, *_: Any, **__: Any) -> None:
        warning = response.headers.get("Warning", "")
        self._cut |= warning.startswith(_WARNING) and "result" in warning.lower()


def _value(item: Item, tag: str) -> str:
    values = item.get(tag, {}).get("Value") or [""]
    return str(values[0])
