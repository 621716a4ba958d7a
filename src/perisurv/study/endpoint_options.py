"""The endpoint of a study: ``[endpoint]`` of a study file."""

from __future__ import annotations

from dataclasses import dataclass, replace

from perisurv.cohort.options import CohortOptions
from perisurv.core import SettingsError
from perisurv.core.endpoint import Endpoint

__all__ = ["EndpointOptions"]

_SURVIVAL = Endpoint()


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
    competing
        Codes of the event column for a competing cause, such as death without recurrence: follow-up ends there without
        the event. Goes with ``event_codes`` below ``[cohort.clinical]``, which name the other codes.
    """

    name: str = "overall survival"
    word: str = ""
    words: str = ""
    event_free: str = ""
    time: tuple[str, ...] = ()
    event: str = ""
    competing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise SettingsError('[endpoint] name is empty; name the endpoint, such as name = "overall survival".')
        if len(self.time) > 2:
            raise SettingsError(
                f"[endpoint] time takes one column, or two: time to the event and time to the last follow-up; got "
                f"{len(self.time)}."
            )

    @property
    def noun(self) -> Endpoint:
        """Name and words."""
        usual = (
            _SURVIVAL
            if self.name.strip().casefold() == _SURVIVAL.name
            else Endpoint("", "event", "events", "event-free")
        )
        word = self.word or usual.event
        words = self.words or (usual.events if not self.word else f"{self.word}s")
        return Endpoint(self.name.strip(), word, words, self.event_free or usual.event_free)

    def columns(self, options: CohortOptions) -> CohortOptions:
        """Options of the index with the columns and codes of this endpoint.

        Raises
        ------
        SettingsError
            If competing causes are given without the codes of the event and of the end of follow-up.
        """
        columns, clinical = options.columns, options.clinical
        if len(self.time) == 2:
            columns = replace(columns, time="", time_death=self.time[0], time_last=self.time[1])
        elif self.time:
            columns = replace(columns, time=self.time[0])
        if self.event:
            columns = replace(columns, event=self.event)
        if self.competing:
            if not clinical.event_codes:
                raise SettingsError(
                    "[endpoint] competing needs to know the other codes, too; name them below [cohort.clinical], such "
                    'as event_codes = { "1" = "dead", "0" = "alive" } (dead: the event, alive: no event so far).'
                )
            clinical = replace(clinical, event_codes={**clinical.event_codes, **dict.fromkeys(self.competing, "alive")})
        return replace(options, columns=columns, clinical=clinical)

    @property
    def note(self) -> str:
        """What competing causes mean for the numbers; empty without any."""
        if not self.competing:
            return ""
        return (
            f"Follow-up that ended with a competing cause (code {', '.join(self.competing)}) counts as censored there: "
            "hazard ratios are those of the cause, and predicted probabilities are those of a world without the "
            "competing cause, too high where it is frequent."
        )
