"""Who holds a key: DICT has each key once, our reports about it come in any order.

An entry is known by its id, a key by its hash, and two ids may claim one key: a repair, an import
or a claim made an entry up before Core told its own id; a key was deleted and registered anew; it
went from one participant of ours to another. Whoever writes an entry asks here, so that in the end
the latest state by DICT's clock stands, under Core's id wherever Core has told one.

Where what stands is Core's own word, an entry gives its key up to another one alone with the same
CID: everything else that ends it is Core's to tell, or a person's to decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from vsync.domain.entry import Entry, EntrySet, Step, Told, heir, told
from vsync.domain.precedence import Source, Verdict, place


@dataclass(frozen=True)
class Known:
    """What is known beside an entry. `others`: other entries that hold its key, active or in
    review. `ended_at`: the latest state, by DICT's clock, of those that had it once."""

    others: Sequence[Entry] = ()
    ended_at: datetime | None = None


NOTHING = Step(Verdict.OVERTAKEN)


@dataclass(frozen=True)
class Holding:
    """`step`: what becomes of the entry. `heir_of`: the other entry whose content it takes over, as
    that is the later one. `retires`: others that give their key up, as they were."""

    step: Step
    heir_of: Entry | None = None
    retires: Sequence[Entry] = ()


def hold(entry: Entry | None, entry_id: UUID, what: Told, known: Known) -> Holding:
    """What a report makes of an entry, and of the others that hold its key.

    A deletion names no key, so it concerns its own entry alone.
    """
    step = told(entry, entry_id, what)
    if what.cid is None:
        return Holding(step)
    if step.verdict is not Verdict.APPLY:
        return Holding(step, retires=_outlived(entry, known))
    same = next((it for it in known.others if (it.set, it.cid) == (what.set, what.cid)), None)
    by_core = what.report.source is Source.CORE
    if same is not None and not by_core:
        return Holding(NOTHING)
    givers = [it for it in known.others if it is same or _may_give(it, by_core)]
    latest = max(known.others, key=lambda it: place(it.stands), default=None)
    if latest is not None and place(latest.stands) > place(what.report):
        if by_core and (latest is same or _inherits(entry, what, latest)):
            return Holding(heir(entry, entry_id, what, latest), latest, givers)
        return _yields(entry, entry_id, what)
    if known.ended_at is not None and known.ended_at > what.report.dict_time:
        return _yields(entry, entry_id, what)
    return Holding(step, retires=givers)


def at_hand(entry: Entry | None, of: EntrySet, known: Known) -> tuple[Entry | None, Known]:
    """What a repair changes: the entry, or the one that holds its key in the set by now; and what
    is known beside that one."""
    here = [it for it in known.others if it.set == of]
    if not here or (entry is not None and entry.holds):
        return entry, known
    holds = max(here, key=lambda it: place(it.stands))
    return holds, replace(known, others=[it for it in known.others if it is not holds])


def _may_give(other: Entry, to_core: bool) -> bool:
    """What a repair, an import or a claim has made of an entry, Core may know under another id."""
    return other.made_up or (to_core and other.stands.source is not Source.CORE)


def _inherits(entry: Entry | None, what: Told, later: Entry) -> bool:
    """Whether the later state may be of the registration that Core tells of. One that stands is an
    earlier registration of the key."""
    stood = entry is not None and entry.holds
    return later.made_up and not stood and later.set == what.set and later.cid is not None


def _outlived(entry: Entry | None, known: Known) -> Sequence[Entry]:
    """Others that were made up from a state before the one that Core has told of since: only now
    is it known that they hold the same key."""
    if entry is None or entry.made_up:
        return ()
    late = place(entry.stands)
    return [it for it in known.others if _may_give(it, True) and place(it.stands) < late]


def _yields(entry: Entry | None, entry_id: UUID, what: Told) -> Holding:
    """A state that DICT has left since. Core's number of it is kept; who else saw it, saw nothing
    new."""
    if what.report.source is not Source.CORE:
        return Holding(NOTHING)
    return Holding(told(entry, entry_id, replace(what, cid=None)))
