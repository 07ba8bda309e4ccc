"""Seeds: a base, a DICT and a Core that go on changing, steps that fail or are done and not heard.

Whatever happens: nothing is deleted but by Core, and after COMPLETED our VSync is DICT's (P6, P7).
"""

from collections import defaultdict
from pathlib import Path
from random import Random

import pytest

from dict_common.kernel.errors import Unavailable
from dict_common.ports.directory import CallContext, DirectoryRefused, DirectoryUnreachable
from tests.support.sync_fakes import standing
from tests.support.sync_simulation import PHONES, Installation, entry_id_of, papers
from tests.support.workflow_simulation import Chance
from vsync.application.entry_papers import EntryPapers
from vsync.domain.entry import Entry

SEEDS = range(150)
KEYS = 12
LOST_OF_A_HUNDRED = 8
FAILED_OF_A_HUNDRED = 6
CHANGED_OF_A_HUNDRED = 4


class Player:
    """Acts by chance, and knows what it did."""

    def __init__(self, home: Installation, seed: int) -> None:
        self.home, self.chance = home, Random(seed)
        self.at_dict = {number: papers(number) for number in range(KEYS)}
        self.versions = dict.fromkeys(range(KEYS), 1)
        self.deleted: set[int] = set()
        self.next = KEYS
        self.quiet = False
        home.hold(*self.at_dict.values())
        home.later()

    def behind_our_back(self) -> None:
        """One change at DICT that Core does not tell, or tells late."""
        act = self.chance.choice(("add", "remove", "update", "again"))
        if act == "add":
            self.at_dict[self.next] = papers(self.next)
            self.home.bacen.add(self.at_dict[self.next])
            self.next += 1
        elif self.at_dict:
            number = self.chance.choice(sorted(self.at_dict))
            it = self.at_dict[number]
            if act == "update":
                name = f"Maria {self.chance.randrange(1000)}"
                self.at_dict[number] = self.home.bacen.update(it, name=name)
            else:
                self.home.bacen.remove(it)
                if act == "again":
                    self.home.bacen.add(it)
                else:
                    del self.at_dict[number]

    def with_core(self) -> None:
        """One change that Core makes and tells."""
        if self.chance.random() < 0.5 or not self.at_dict:
            self._create()
        else:
            self._delete()

    def _create(self) -> None:
        number, self.next = self.next, self.next + 1
        self.at_dict[number] = papers(number)
        self.versions[number] = 1
        self.home.hold(self.at_dict[number])

    def _delete(self) -> None:
        number = self.chance.choice(sorted(self.at_dict))
        it: EntryPapers = self.at_dict.pop(number)
        self.home.bacen.remove(it)
        self.versions[number] = self.versions.get(number, 0) + 1
        self.deleted.add(number)
        self.home.tell(entry_id_of(it), self.versions[number], None, PHONES)

    def before_a_step(self, _home: Installation, step: str) -> None:
        """Changes meanwhile, and servers that are away."""
        if self.quiet:
            return
        throw = self.chance.randrange(100)
        if throw < CHANGED_OF_A_HUNDRED:
            self.with_core()
        elif throw < CHANGED_OF_A_HUNDRED + FAILED_OF_A_HUNDRED:
            raise Unavailable("postgres-away", f"before {step}")

    def at_the_bridge(self, _operation: str, _context: CallContext) -> None:
        """Refusals that pass, and silence."""
        if self.quiet:
            return
        throw = self.chance.randrange(100)
        if throw < FAILED_OF_A_HUNDRED // 2:
            raise DirectoryUnreachable("bridge-unreachable", "away")
        if throw < FAILED_OF_A_HUNDRED:
            raise DirectoryRefused("RateLimited", 429, "Slow down", 5.0)

    def lost(self, _name: str) -> Chance:
        """Done, and the worker dies before anybody hears of it."""
        return Chance(lost=not self.quiet and self.chance.randrange(100) < LOST_OF_A_HUNDRED)


@pytest.mark.parametrize("seed", SEEDS)
def test_seed(seed: int, tmp_path: Path) -> None:
    home = Installation(tmp_path)
    try:
        _play(home, seed)
    finally:
        home.close()


def _play(home: Installation, seed: int) -> None:
    player = Player(home, seed)
    for _ in range(player.chance.randrange(1, 8)):
        player.behind_our_back()
    home.later()
    home.chance, home.meanwhile = player.lost, player.before_a_step
    home.bacen.script = player.at_the_bridge
    sync_type = player.chance.choice(("INCREMENTAL", "FULL"))
    home.run(sync_type)
    _promises(home, player)
    # The world holds still: the next run finds only what remains, and proves it.
    player.quiet = True
    home.later()
    result = home.run(number="2")
    assert result.status == "COMPLETED", result
    assert home.equal()
    _promises(home, player)
    again = home.run(number="3")
    assert (again.status, again.discrepancies) == ("COMPLETED", 0)


def _promises(home: Installation, player: Player) -> None:
    allowed = {entry_id_of(papers(number)) for number in player.deleted}
    adopted = {
        it["entry_id"] for it in home.told("entry.corrected") if it["correction"] == "ADOPTED"
    }
    for entry in home.entries.entries.values():
        gone = entry.cid is None and entry.review_id is None
        assert not gone or entry.entry_id in allowed or str(entry.entry_id) in adopted, entry
    _sequences_have_no_gap(home)
    _reviews_are_of_entries_in_review(home)
    assert len(set(standing(home.entries, PHONES))) == len(standing(home.entries, PHONES))


def _sequences_have_no_gap(home: Installation) -> None:
    told: dict[str, int] = defaultdict(int)
    seen = set()
    for event in home.entries.events:
        if event.envelope.aggregate_type == "entry" and event.topic.startswith("events/"):
            assert event.envelope.id not in seen, "an event is told once"
            seen.add(event.envelope.id)
            told[event.envelope.subject] += 1
    entries: dict[str, Entry] = {str(it): of for it, of in home.entries.entries.items()}
    assert {it: of.version for it, of in entries.items()} == {it: told[it] for it in entries}


def _reviews_are_of_entries_in_review(home: Installation) -> None:
    waiting = {it.review_id for it in home.entries.entries.values() if it.review_id is not None}
    assert waiting == set(home.entries.open_reviews)
