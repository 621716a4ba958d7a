"""What a study looks at, in its words."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Endpoint"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Name and words of the endpoint, for reports, figures and messages.

    Parameters
    ----------
    name
        Of the endpoint, such as ``recurrence or metastasis``.
    event, events
        One event and several.
    event_free
        What a patient without event is.
    competing
        What ends follow-up so that the event cannot be seen any more, such as ``death``; empty: nothing does.
    """

    name: str = "overall survival"
    event: str = "death"
    events: str = "deaths"
    event_free: str = "alive"
    competing: str = ""

    @property
    def is_survival(self) -> bool:
        """Whether the share without event is the share of survivors."""
        return self.event == "death"

    @property
    def title(self) -> str:
        """The name at the beginning of a line."""
        return self.name[:1].upper() + self.name[1:]
