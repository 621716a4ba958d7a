"""The endpoint of a study: ``[endpoint]`` of a study file."""

from __future__ import annotations

from dataclasses import dataclass, replace

from perisurv.cohort.options import CohortOptions
from perisurv.core import SettingsError
from perisurv.core.endpoint import Endpoint

__all__ = ["EndpointOptions"]

_SURVIVAL = Endpoint()
_OF_DEATH = frozenset(
    (
        "overall survival", "os", "survival", "all-cause mortality", "death of any cause", "gesamtüberleben",
        "survie globale", "supervivencia global", "sopravvivenza globale", "algehele overleving", "总生存期",
        "全生存期間",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """What is predicted: its name in report, figures and messages, and where the clinical table tells it.

    Parameters
    ----------
    name
        Of the endpoint, such as ``recurrence or metastasis``.
    word, words
        One event and several; empty: death and deaths for overall survival, else event and events.
    event_free
        What a patient without event is; empty: alive for overall survival, else event-free.
    time
        Column of the follow-up; two columns: time to the event, and time to the last follow-up of all others. Empty: as
        ``[cohort.columns]`` says.
    event
        Column that says whether follow-up ended with the event; empty: as ``[cohort.columns]`` says.
    date
        Column of the date of the event, where times are counted from dates; empty: as ``[cohort.columns]`` says.
    competing
        Codes of the event column for a competing event, such as death without recurrence: follow-up ends there without
        the event. Goes with ``event_codes`` below ``[cohort.clinical]``, which name the other codes.
    competing_event
        Column that says whether a patient had the competing event, where it has a column of its own, such as ``death``;
        it counts where the event did not come before.
    competing_time
        Column of the time to the competing event, where there is one; other follow-up ends as ``time`` says.
    competing_word
        What the competing event is called.
    """

    name: str = "overall survival"
    word: str = ""
    words: str = ""
    event_free: str = ""
    time: str | tuple[str, ...] = ()
    event: str = ""
    date: str = ""
    competing: str | tuple[str, ...] = ()
    competing_event: str = ""
    competing_time: str = ""
    competing_word: str = "competing event"

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise SettingsError('[endpoint] name is empty; name the endpoint, such as name = "overall survival".')
        if len(_several(self.time)) > 2:
            raise SettingsError(
                f"[endpoint] time takes one column, or two: time to the event and time to the last follow-up; got "
                f"{len(self.time)}."
            )

    @property
    def noun(self) -> Endpoint:
        """Name and words."""
        usual = _SURVIVAL if self.of_death else Endpoint("", "event", "events", "event-free")
        word = self.word or usual.event
        words = self.words or (usual.events if not self.word else f"{self.word}s")
        rival = self.competing_word if self.competes else ""
        return Endpoint(self.name.strip(), word, words, self.event_free or usual.event_free, rival)

    @property
    def of_death(self) -> bool:
        """Whether the event is death of any cause."""
        return self.name.strip().casefold() in _OF_DEATH

    @property
    def competes(self) -> bool:
        """Whether follow-up may end with a competing event."""
        return bool(self.competing or self.competing_event or self.competing_time)

    def columns(self, options: CohortOptions) -> CohortOptions:
        """Options of the index with the columns and codes of this endpoint.

        Raises
        ------
        SettingsError
            If competing causes are given without the codes of the event and of the end of follow-up.
        """
        columns, clinical, time = options.columns, options.clinical, _several(self.time)
        if len(time) == 2:
            columns = replace(columns, time="", time_death=time[0], time_last=time[1])
        elif time:
            columns = replace(columns, time=time[0])
        columns = replace(
            columns,
            event=self.event or columns.event,
            date_death=self.date or columns.date_death,
            competing=self.competing_event or columns.competing,
            time_competing=self.competing_time or columns.time_competing,
        )
        clinical = replace(clinical, event_is_death=clinical.event_is_death and self.of_death)
        if self.competing:
            if not clinical.event_codes:
                raise SettingsError(
                    "[endpoint] competing needs to know the other codes, too; name them below [cohort.clinical], such "
                    'as event_codes = { "1" = "event", "0" = "censored" }.'
                )
            codes = dict(clinical.event_codes)
            for code in _several(self.competing):
                codes[code] = "competing"
            clinical = replace(clinical, event_codes=codes)
        return replace(options, columns=columns, clinical=clinical)

    @property
    def note(self) -> str:
        """What competing events mean for the numbers; empty without any."""
        if not self.competes:
            return ""
        noun = self.noun
        return (
            f"Models are of the cause-specific hazard of {noun.event}: follow-up that ended with {noun.competing} "
            "counts as censored at its time in the fit, in C, AUC and calibration. Predicted probabilities, and the "
            f"actual ones that calibration compares them with, are those of a world without {noun.competing}; what "
            "patients face is the cumulative incidence (Aalen-Johansen)."
        )


def _several(given: str | tuple[str, ...]) -> tuple[str, ...]:
    """One text or several, as several."""
    return tuple(filter(None, (given,))) if isinstance(given, str) else given
