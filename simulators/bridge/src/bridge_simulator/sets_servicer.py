"""The back door's part about what happens to entries without going over anybody's Bridge."""
# ruff: noqa: N802 - gRPC names the methods

from collections.abc import AsyncIterator

from bridge_simulator import generated_cids
from bridge_simulator.answering import Answering, Context, Receipt
from bridge_simulator.directory import Directory
from bridge_simulator.entry_operations import EntryOperations
from bridge_simulator.generated_set import GeneratedSet
from bridge_simulator.ledger import Call
from bridge_simulator.messages import entry_message, to_account, to_owner
from bridge_simulator.set_operations import REASON, EntryChange, SetOperations, SetOrder
from dict_schemas.generated.dict.simulator.v1 import control_pb2 as pb

CHANGES_AT_ONCE = 100


class SetsServicer:
    """Single entries by the Bridge's rules and with its rows in the ledger, sets as a whole."""

    def __init__(self, answering: Answering, directory: Directory) -> None:
        self._answering = answering
        self._generated = directory.generated
        self._entries = EntryOperations(directory)
        self._sets = SetOperations(directory)

    async def GenerateSet(
        self, request: pb.GenerateSetRequest, context: Context
    ) -> pb.GenerateSetResponse:
        wanted = GeneratedSet(request.participant, request.key_type, request.seed, request.count)

        def check(_receipt: Receipt) -> None:
            self._sets.check(wanted)

        def work(receipt: Receipt) -> pb.GenerateSetResponse:
            call = Call("GenerateSet", wanted.participant, x_request_id=receipt.x_request_id)
            return pb.GenerateSetResponse(sync_verifier=self._sets.generate(wanted, cids, call))

        await self._answering.answer(context, request, check)
        await self._generated.ready()
        cids = self._generated.find(wanted) or await generated_cids.built(wanted)
        return await self._answering.answer(context, request, work)

    async def ChangeEntry(
        self, request: pb.ChangeEntryRequest, context: Context
    ) -> pb.ChangeEntryResponse:
        def work(receipt: Receipt) -> pb.ChangeEntryResponse:
            before, _ = self._entries.get(request.key)
            account = to_account(request.account) if request.HasField("account") else before.account
            owner = to_owner(request.owner) if request.HasField("owner") else before.owner
            call = Call("UpdateEntry", account.participant, x_request_id=receipt.x_request_id)
            after = self._entries.update(
                request.key, account, owner, request.reason or REASON, call
            )
            return pb.ChangeEntryResponse(change=_change_message(EntryChange(before, after)))

        return await self._answering.answer(context, request, work)

    async def RemoveEntry(
        self, request: pb.RemoveEntryRequest, context: Context
    ) -> pb.RemoveEntryResponse:
        def work(receipt: Receipt) -> pb.RemoveEntryResponse:
            before, _ = self._entries.get(request.key)
            participant = before.account.participant
            call = Call("DeleteEntry", participant, x_request_id=receipt.x_request_id)
            self._entries.delete(request.key, request.reason or REASON, call)
            return pb.RemoveEntryResponse(change=_change_message(EntryChange(before, None)))

        return await self._answering.answer(context, request, work)

    async def ChangeSet(
        self, request: pb.ChangeSetRequest, context: Context
    ) -> AsyncIterator[pb.ChangeSetResponse]:
        order = SetOrder(
            participant=request.participant,
            key_type=request.key_type,
            seed=request.seed,
            change=request.change,
            remove=request.remove,
            add=request.add,
        )

        def work(receipt: Receipt) -> list[EntryChange]:
            call = Call("ChangeSet", order.participant, x_request_id=receipt.x_request_id)
            return self._sets.change(order, call)

        done = await self._answering.answer(context, request, work)
        for start in range(0, len(done), CHANGES_AT_ONCE):
            changes = [_change_message(each) for each in done[start : start + CHANGES_AT_ONCE]]
            yield pb.ChangeSetResponse(changes=changes)


def _change_message(change: EntryChange) -> pb.EntryChange:
    before, after = change.before, change.after
    entry = after or before
    assert entry is not None, "a change has a side"
    kind = "ADDED" if before is None else "REMOVED" if after is None else "CHANGED"
    return pb.EntryChange(
        change=kind,
        entry=entry_message(entry),
        request_id=entry.request_id,
        cid_before=before.cid if before else "",
        cid_after=after.cid if after else "",
    )
