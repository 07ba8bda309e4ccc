"""A participant of ours in one seed: its keys at DICT, in our base, and as Core tells of them."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from bridge_simulator.generated_set import COUNT_MAX, entry_of
from bridge_simulator.records import Entry
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.faults.core_side import CoreSide
from tests.faults.dict_side import CALL_SECONDS_MAX, DictSide, fault_of
from tests.faults.playing import insist
from tests.faults.vsync.plan import Fate, KeyPlan, VsyncPlan

OPENED = Timestamp(seconds=1_577_836_800)


@dataclass(frozen=True)
class Papers:
    """What a key says of itself."""

    key_type: str
    key: str
    tax_id: str
    name: str
    branch: str | None
    account_number: str
    account_type: str
    request_id: str

    def account(self, participant: str) -> bridge_pb2.Account:
        """As the Bridge takes it."""
        return bridge_pb2.Account(
            participant=participant,
            branch=self.branch,
            account_number=self.account_number,
            account_type=self.account_type,
            opening_date=OPENED,
        )

    def owner(self) -> bridge_pb2.Owner:
        """As the Bridge takes it."""
        return bridge_pb2.Owner(type="NATURAL_PERSON", tax_id_number=self.tax_id, name=self.name)


def papers_of(entry: Entry) -> Papers:
    """Of an entry that was made from a seed."""
    return Papers(
        entry.key_type,
        entry.key,
        entry.owner.tax_id_number,
        entry.owner.name,
        entry.account.branch,
        entry.account.account_number,
        entry.account.account_type,
        entry.request_id,
    )


@dataclass
class PlayedKey:
    """A key as it was played. `cid`: at DICT now, None where it has none; `core_id`: its entry's
    id in Core; `held`: our base had it from the start; `cids`: all that DICT ever had for it."""

    plan: KeyPlan
    papers: Papers
    core_id: UUID
    cid: str | None = None
    cids: list[str] = field(default_factory=list)
    held: bool = False
    version: int = 0
    changed_at: datetime | None = None
    told: bool = False

    def stands_as(self, cid: str) -> None:
        """DICT has it under this CID now."""
        self.cid = cid
        self.cids.append(cid)


@dataclass
class SeedBank:
    """Both sides of a participant. `generated`: seed of its old keys at DICT."""

    participant: str
    core: CoreSide
    dicts: DictSide
    ids: Random
    keys: list[PlayedKey] = field(default_factory=list)

    async def open(self, plan: VsyncPlan) -> None:
        """DICT and our base as they are before anything befalls the keys."""
        self.keys = [PlayedKey(it, self._papers(plan, it), self._id()) for it in plan.keys]
        await self._generate(plan)
        for it in self.keys:
            if it.plan.fate is not Fate.ADDED:
                if not it.plan.old:
                    await self._seed(it)
                it.held = True
                wrong = it.plan.old and it.plan.fate is Fate.CHANGED
                name = f"{it.papers.name} Filho" if wrong else it.papers.name
                await self.report(it, replace(it.papers, name=name))

    async def befall(self, it: PlayedKey) -> None:
        """What the plan has for it, behind our back."""
        if not it.plan.old:
            match it.plan.fate:
                case Fate.ADDED:
                    await self._seed(it)
                case Fate.CHANGED:
                    it.papers = replace(it.papers, name=f"{it.papers.name} Filho")
                    await self._change(it)
                case Fate.REMOVED:
                    await self._remove(it)
                case Fate.REBORN:
                    await self._remove(it)
                    it.papers = replace(it.papers, request_id=str(self._id()))
                    await self._seed(it)
        it.changed_at = datetime.now(UTC)

    async def tell(self, it: PlayedKey) -> None:
        """Core's report of how it stands now."""
        await self.report(it, None if it.plan.fate is Fate.REMOVED else it.papers)
        it.told = True

    async def report(self, it: PlayedKey, papers: Papers | None) -> None:
        """`entry.report`; None: DICT has it no more."""
        it.version += 1
        known = {1: "CREATED"}.get(it.version, "UPDATED")
        personal = ("key", "tax_id", "name", "branch", "account_number", "account_type")
        values: dict[str, Any] = dict.fromkeys((*personal, "request_id", "trade_name"))
        if papers is not None:
            values |= {name: getattr(papers, name) for name in (*personal, "request_id")}
        record = {
            "entry_id": str(it.core_id),
            "operation": "DELETED" if papers is None else known,
            "version": it.version,
            "dict_time": it.changed_at or datetime.now(UTC),
            "participant": self.participant,
            "key_type": it.papers.key_type,
            **values,
        }
        await self.core.command("entry.report", it.core_id, self._id(), record)

    async def trouble(self, plan: VsyncPlan) -> None:
        """What goes wrong at the Bridge, for this participant alone."""
        faults = []
        for one in plan.faults:
            fault = fault_of(one)
            fault.participant = self.participant
            faults.append(fault)
        await insist(
            lambda: self.dicts.control.SetFaults(
                control_pb2.SetFaultsRequest(faults=faults), timeout=CALL_SECONDS_MAX
            )
        )
        files = []
        for it in plan.files:
            file = control_pb2.CidFileFault(
                participant=self.participant, key_type=it.key_type, times=1
            )
            setattr(file, it.kind, bool(it.value) if it.kind.startswith("wrong") else it.value)
            files.append(file)
        await self._files(files)

    async def recover(self) -> None:
        """Nothing goes wrong any more."""
        await insist(self.dicts.recover)
        await self._files([])

    def set_at_dict(self, key_type: str) -> frozenset[str]:
        """The CIDs that DICT has."""
        return frozenset(
            it.cid for it in self.keys if it.cid is not None and it.papers.key_type == key_type
        )

    async def _files(self, faults: list[control_pb2.CidFileFault]) -> None:
        await insist(
            lambda: self.dicts.control.SetCidFileFaults(
                control_pb2.SetCidFileFaultsRequest(faults=faults), timeout=CALL_SECONDS_MAX
            )
        )

    async def _generate(self, plan: VsyncPlan) -> None:
        """Old keys, of which DICT's log tells nothing."""
        old = [it for it in self.keys if it.plan.old and it.plan.fate is not Fate.REMOVED]
        for key_type in sorted({it.papers.key_type for it in old}):
            mine = [it for it in old if it.papers.key_type == key_type]
            for index, it in enumerate(mine):
                made = entry_of(plan.seed, self.participant, key_type, index)
                it.papers = papers_of(made)
                it.stands_as(made.cid)
            request = control_pb2.GenerateSetRequest(
                participant=self.participant, key_type=key_type, seed=plan.seed, count=len(mine)
            )
            await insist(partial(self.dicts.control.GenerateSet, request, timeout=CALL_SECONDS_MAX))

    def _papers(self, plan: VsyncPlan, key: KeyPlan) -> Papers:
        person = key.person
        if key.old:  # one that DICT never had, until it is given another
            never = COUNT_MAX + key.number
            return papers_of(entry_of(plan.seed, self.participant, person.key_type, never))
        return Papers(
            person.key_type,
            person.key,
            person.tax_id,
            person.name,
            "0001",
            person.account,
            "CACC",
            str(self._id()),
        )

    def _id(self) -> UUID:
        return UUID(int=self.ids.getrandbits(128), version=4)

    async def _seed(self, it: PlayedKey) -> None:
        """Again under the same RequestId, where nobody answered: one entry."""
        request = control_pb2.SeedEntryRequest(
            entry=bridge_pb2.Entry(
                key=it.papers.key,
                key_type=it.papers.key_type,
                account=it.papers.account(self.participant),
                owner=it.papers.owner(),
            ),
            request_id=it.papers.request_id,
        )
        await insist(
            lambda: it.stands_as(
                self.dicts.control.SeedEntry(request, timeout=CALL_SECONDS_MAX).cid
            )
        )

    async def _change(self, it: PlayedKey) -> None:
        request = control_pb2.ChangeEntryRequest(key=it.papers.key, owner=it.papers.owner())
        await insist(
            lambda: it.stands_as(
                self.dicts.control.ChangeEntry(request, timeout=CALL_SECONDS_MAX).change.cid_after
            )
        )

    async def _remove(self, it: PlayedKey) -> None:
        def remove() -> None:
            try:
                self.dicts.control.RemoveEntry(
                    control_pb2.RemoveEntryRequest(key=it.papers.key), timeout=CALL_SECONDS_MAX
                )
            except grpc.RpcError as error:
                # A call that nobody answered was done, and this is its repeat.
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise
            it.cid = None

        await insist(remove)
