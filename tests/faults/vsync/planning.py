"""From a seed to its plan, by one random generator: the order of the draws is part of the seed."""

from random import Random

from tests.faults.people import invented
from tests.faults.plan import BridgeFault, is_for_servers, troubles
from tests.faults.vsync.plan import (
    CALLS,
    FILE_CALLS,
    ROWS,
    SERVERS,
    TABLE_OF,
    TABLES,
    TOPICS,
    Effect,
    Fate,
    FileFault,
    KeyPlan,
    Kill,
    Moment,
    VsyncPlan,
    Way,
)

KEYS_MIN, KEYS_MAX = 4, 9
KILLS_MAX = 3
HELD_MS = 5_000
"""How long DICT keeps a call whose caller or other end is to be killed meanwhile."""
DONE_MS = 80
"""DICT has done its part of a held call by then."""

OF_FILES = frozenset({"granted", "ordered", "vsync.cid_files"})
OF_FATES = {
    "created": frozenset({Fate.ADDED}),
    "updated": frozenset({Fate.CHANGED, Fate.REBORN}),
    "in review": frozenset({Fate.REMOVED}),
    "vsync.manual_review_queue": frozenset({Fate.REMOVED}),
}
"""Where such a key alone leads to; it must have changed before the run, and Core be silent."""
_TIMED = Moment(Effect.TIME, "")


def plan_of(seed: int) -> VsyncPlan:
    """The plan of a seed."""
    rng = Random(f"dict-connect-vsync-{seed}")
    key_types = rng.choice((("PHONE",), ("EMAIL",), ("PHONE", "EMAIL")))
    count = rng.randint(KEYS_MIN, KEYS_MAX)
    way = rng.choices(tuple(Way), weights=(45, 20, 35))[0]
    old = way is not Way.LOG and rng.random() < 0.7
    keys = tuple(_key(seed, number, rng, key_types, old=old) for number in range(count))
    proven = rng.random() < 0.4 and not old
    kills = _kills(rng, keys, way, servers=is_for_servers(seed))
    held = tuple(fault for kill in kills for fault in _held(kill))
    faults = held + tuple(_fault(rng, way) for _ in range(rng.choice((0, 0, 1, 2))))
    files: tuple[FileFault, ...] = ()
    if way is not Way.LOG and rng.random() < 0.4:
        files = (_file_fault(rng, rng.choice(key_types)),)
    again = rng.choice((Way.LOG, Way.LOG, Way.FILE))
    return VsyncPlan(seed, keys, proven, way, again, faults, files, kills)


def _key(seed: int, number: int, rng: Random, key_types: tuple[str, ...], *, old: bool) -> KeyPlan:
    fate = rng.choices(tuple(Fate), weights=(20, 25, 20, 25, 10))[0]
    person = invented(seed, number, rng.choice(key_types), rng)
    at = None if rng.random() < 0.75 else rng.randrange(0, 2_500)
    told = rng.randrange(0, 3_000) if rng.random() < 0.3 else None
    if number == 0:
        fate, at, told = rng.choice((Fate.ADDED, Fate.CHANGED, Fate.REMOVED)), None, None
    old = old and at is None
    if old and fate is Fate.REBORN:
        fate = Fate.CHANGED
    return KeyPlan(number, person, fate, at, told, old)


def _kills(rng: Random, keys: tuple[KeyPlan, ...], way: Way, *, servers: bool) -> tuple[Kill, ...]:
    kills: list[Kill] = []
    moments = moments_of(keys, way)
    if servers:
        blocked = Effect.BLOCKED
        chosen = rng.choice([it for it in (_TIMED, *moments) if it.effect is not blocked])
        kills.append(Kill(rng.choice(SERVERS), chosen, _after(rng, chosen), rng.randrange(3_000)))
    for _ in range(rng.randint(0, 1) if servers else rng.randint(1, KILLS_MAX)):
        target = rng.choices(
            ("vsync-worker", "vsync", "vsync-relay", "simulator"), weights=(60, 12, 13, 15)
        )[0]
        moment = _moment(rng, target, moments)
        down = rng.choice((0, 0, rng.randrange(0, 3_000)))
        kills.append(Kill(target, moment, _after(rng, moment), down))
    return tuple(kills)


def moments_of(keys: tuple[KeyPlan, ...], way: Way) -> list[Moment]:
    """Steps of the run that this plan leads to, by the worker."""
    certain = {key.fate for key in keys if key.certain}
    files = way is not Way.LOG

    def reached(what: str) -> bool:
        return (files or what not in OF_FILES) and bool(OF_FATES.get(what, certain) & certain)

    calls = (*CALLS, *(FILE_CALLS if files else ()))
    return [
        *(Moment(Effect.SHOWN, what) for what in ROWS if reached(what)),
        *(Moment(it, call) for call in calls for it in (Effect.CALLED, Effect.DONE)),
        *(Moment(Effect.ON_TOPIC, name) for name in TOPICS),
        *(Moment(Effect.BLOCKED, table) for table in TABLES if reached(table)),
    ]


def _moment(rng: Random, target: str, moments: list[Moment]) -> Moment:
    if target == "vsync-worker":
        return rng.choice(moments)
    seen = [it for it in moments if it.effect in (Effect.SHOWN, Effect.ON_TOPIC)]
    calls = [it for it in moments if it.effect in (Effect.CALLED, Effect.DONE)]
    if target == "simulator":
        return rng.choice((rng.choice(calls), rng.choice(calls), rng.choice(seen or calls), _TIMED))
    return rng.choice(
        (_TIMED, rng.choice(seen or [_TIMED]), Moment(Effect.BLOCKED, TABLE_OF[target]))
    )


def _after(rng: Random, moment: Moment) -> int:
    if moment.effect is Effect.TIME:
        return rng.randrange(0, 4_000)
    return DONE_MS + rng.randrange(60) if moment.effect is Effect.DONE else rng.randrange(60)


def _held(kill: Kill) -> tuple[BridgeFault, ...]:
    """DICT keeps the call for a while, so that the kill meets it there."""
    moment = kill.moment
    if moment.effect not in (Effect.CALLED, Effect.DONE):
        return ()
    kind = "delay_before_ms" if moment.effect is Effect.CALLED else "delay_after_ms"
    return (BridgeFault(moment.what, kind, HELD_MS, skip=0, times=1),)


def _fault(rng: Random, way: Way) -> BridgeFault:
    kind, value = rng.choice(troubles(rng))
    calls = (*CALLS, *(FILE_CALLS if way is not Way.LOG else ()))
    return BridgeFault(rng.choice(calls), kind, value, rng.choice((0, 0, 1)), rng.randint(1, 2))


def _file_fault(rng: Random, key_type: str) -> FileFault:
    kinds: tuple[tuple[str, int | str], ...] = (
        ("late_ms", rng.randrange(300, 2_500)),
        ("late_ms", rng.randrange(300, 2_500)),
        ("downloads_not_found", 1),
        ("status", "ERROR"),
        ("cut_bytes", 10),
        ("wrong_sha256", 1),
        ("wrong_bytes", 1),
        ("duplicated_lines", 1),
        ("stray_line", "no CID"),
    )
    kind, value = rng.choice(kinds)
    return FileFault(key_type, kind, value)
