"""Which of two reports about an entry is newer.

A source numbers its own reports, so among those the number counts. Sources share no numbers: there
the time of DICT's own answer counts, which all of them carry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Source(StrEnum):
    """Who told us of an entry. Of one instant, the later in this list is believed."""

    IMPORT = "IMPORT"
    """A base that was imported, as of an instant."""
    CORE = "CORE"
    """`entry.report`, numbered by Core's version of the entry."""
    CLAIM = "CLAIM"
    """`entry.transferred`, numbered by its time: claims count their own events each for itself."""
    DICT = "DICT"
    """Read from DICT itself by a repair."""


_RANK = {source: rank for rank, source in enumerate(Source)}


@dataclass(frozen=True)
class Report:
    """`number` orders the reports of one source; `dict_time` is DICT's clock."""

    source: Source
    number: int
    dict_time: datetime


class Verdict(StrEnum):
    """What becomes of a report."""

    APPLY = "APPLY"
    SEEN = "SEEN"
    """This source has told this, or something newer, before: nothing is to be done."""
    OVERTAKEN = "OVERTAKEN"
    """New of its source, but another source has told of a later state: only its number is kept."""


def judge(report: Report, numbers: Mapping[Source, int], stands: Report | None) -> Verdict:
    """`numbers`: the highest number of each source; `stands`: the report whose content stands.

    Reports may come in any order: as long as the times of each source follow its numbers, the same
    one stands in the end.
    """
    known = numbers.get(report.source)
    if known is not None and report.number <= known:
        return Verdict.SEEN
    if stands is None or stands.source is report.source:
        return Verdict.APPLY
    return Verdict.APPLY if place(report) > place(stands) else Verdict.OVERTAKEN


def place(report: Report) -> tuple[datetime, int]:
    """Orders reports of different sources."""
    return report.dict_time, _RANK[report.source]
