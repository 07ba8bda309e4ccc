"""`entry.transferred`: a claim of ours is completed, so the key stands here now."""

from collections.abc import Mapping

from dict_common.kernel.clock import Clock, to_micros
from dict_common.kernel.errors import InputRefused, Undeliverable
from dict_common.kernel.fields import bounded, member, optional, text
from dict_common.kernel.ids import parse_id
from dict_common.kernel.participant import ispb
from dict_common.kernel.pix_key import KeyType
from dict_common.ports.inbox import Delivery, Seen, command_id_reused
from vsync.application.entry_papers import EntryPapers
from vsync.application.entry_report import CHARACTERS_MAX
from vsync.application.identify_entries import made_up_id
from vsync.application.ports import EntryStore, Met, Written
from vsync.application.telling import Cause
from vsync.application.writing import Secrecy, Writing
from vsync.domain.cid import CidAttributes
from vsync.domain.entry import EntrySet, Told
from vsync.domain.holding import hold
from vsync.domain.precedence import Report, Source

CLAIMS = "/dict-connect/claim-orchestrator"
_ATTRIBUTES = {
    "key": "key",
    "tax_id": "owner_tax_id",
    "name": "owner_name",
    "account_number": "account_number",
    "account_type": "account_type",
}
_MAY_LACK = {"trade_name": "owner_trade_name", "branch": "branch"}


class NoteTransfer:
    """The use case of the consumer."""

    def __init__(
        self,
        store: EntryStore,
        secrecy: Secrecy,
        writing: Writing,
        participants: frozenset[str],
        clock: Clock,
    ) -> None:
        self._store = store
        self._secrecy = secrecy
        self._writing = writing
        self._participants = participants
        self._clock = clock

    async def __call__(self, delivery: Delivery, record: Mapping[str, object]) -> None:
        """Done once, however often it is called. A transfer to a participant that is none of ours
        is none of ours. Raises Undeliverable for an event that no claim would make, Unavailable.
        """
        if delivery.envelope.source != CLAIMS:
            raise Undeliverable("source-untrusted", f"only {CLAIMS} tells of transfers")
        if record.get("participant") not in self._participants:
            return
        seen = await self._store.seen(delivery.key)
        if seen is Seen.SETTLED:
            return
        try:
            if seen is Seen.OTHER_CONTENT:
                raise command_id_reused()
            await self._note(delivery, record)
        except InputRefused as error:
            raise Undeliverable(error.reason_code, error.detail) from error

    async def _note(self, delivery: Delivery, record: Mapping[str, object]) -> None:
        named = optional(record, "entry_id")
        given = None if named is None else parse_id(named, "entry_id")
        read = _papers(record)
        papers = await self._secrecy.papers(read)
        of = EntrySet(read.attributes.participant, read.attributes.key_type)
        # DICT has made a new entry of it, whose id Core tells later if the claim does not know it.
        entry_id = given or made_up_id(of.participant, papers.key_hash)
        envelope = delivery.envelope
        report = Report(Source.CLAIM, to_micros(envelope.time), envelope.time)
        what = Told(report, of, read.cid)
        cause = Cause(envelope.id, self._clock.now(), envelope.correlation_id, envelope.traceparent)

        async def decide(met: Met) -> Written:
            holding = hold(met.entry, entry_id, what, met.known)
            return await self._writing(cause, met, holding, papers)

        await self._store.accept(delivery.key, entry_id, papers.key_hash, decide)


def _papers(record: Mapping[str, object]) -> EntryPapers:
    read = {
        name: bounded(record, field, CHARACTERS_MAX[name]) for name, field in _ATTRIBUTES.items()
    }
    read |= {
        name: ""
        if optional(record, field) is None
        else bounded(record, field, CHARACTERS_MAX[name])
        for name, field in _MAY_LACK.items()
    }
    return EntryPapers(
        parse_id(text(record, "request_id"), "request_id"),
        CidAttributes(
            key_type=member(KeyType, record, "key_type"),
            participant=ispb(text(record, "participant"), "participant"),
            **read,
        ),
    )
