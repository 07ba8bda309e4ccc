"""Answers that the Bridge's contract rules out are told apart from refusals and from silence."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from dict_common.kernel.errors import DictError
from dict_common.ports.directory import DirectoryRefused, DirectoryUnreachable
from dict_common.testing.ledger import InMemoryRequestLedger
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb
from tests.support.bacen_suite import PARTICIPANT, PHONES, call, papers
from vsync.adapters.grpc_bacen import GrpcBacen
from vsync.application.bacen import AnswerInvalid, Bacen
from vsync.domain.cid import EMPTY_VSYNC

ONE = papers(1)
ZEROS = "0" * 64
SHA256 = "ab" * 32
NAME = "João Silva"
STAMP: dict[str, Any] = {"seconds": 1_772_000_000}
FILE: dict[str, Any] = {
    "id": "f",
    "status": "AVAILABLE",
    "creation_time": STAMP,
    "bytes": 65,
    "sha256": SHA256,
}
EVENT: dict[str, Any] = {"type": "ADDED", "cid": ONE.cid.hex(), "timestamp": STAMP}
PAGE: dict[str, Any] = {"sync_verifier_start": ZEROS, "sync_verifier_end": ZEROS}
ENTRY: dict[str, Any] = {
    "cid": ONE.cid.hex(),
    "request_id": str(ONE.request_id),
    "response_time": STAMP,
    "entry": {
        "key_type": "PHONE",
        "key": ONE.attributes.key,
        "account": {
            "participant": PARTICIPANT,
            "branch": "0001",
            "account_number": ONE.attributes.account_number,
            "account_type": "CACC",
        },
        "owner": {"tax_id_number": ONE.attributes.tax_id, "name": NAME},
    },
}


class Answering:
    """A channel whose Bridge gives one answer, or fails, and streams it piece by piece."""

    def __init__(self, answer: object, *pieces: bytes) -> None:
        self._answer = answer
        self._pieces = pieces

    def unary_unary(self, *_: object, **__: object) -> Callable[..., Any]:
        """Any method."""

        async def method(*_: object, **__: object) -> object:
            if isinstance(self._answer, Exception):
                raise self._answer
            return self._answer

        return method

    def unary_stream(self, *_: object, **__: object) -> Callable[..., Any]:
        """Any method."""
        return lambda *_, **__: _Stream(self._pieces, self._answer)


class _Stream:
    def __init__(self, pieces: tuple[bytes, ...], end: object) -> None:
        self._pieces = iter(pieces)
        self._end = end

    async def read(self) -> object:
        """The next piece, then the end."""
        for piece in self._pieces:
            return pb.DownloadCidFileResponse(chunk=piece)
        if isinstance(self._end, Exception):
            raise self._end
        return grpc.aio.EOF

    def cancel(self) -> bool:
        """Nothing is left to do."""
        return True


def bacen_that(answers: Any, *pieces: bytes) -> Bacen:
    """A Bridge that answers so."""
    channel: Any = Answering(answers, *pieces)
    return GrpcBacen(channel, InMemoryRequestLedger())


def problem(type_: str, status: int) -> AioRpcError:
    """A refusal that says too much."""
    document = pb.Problem(type=f"https://x/{type_}", status=status, title="No", detail=NAME)
    trailing = Metadata(("dict-problem-bin", document.SerializeToString()))
    return AioRpcError(grpc.StatusCode.INTERNAL, Metadata(), trailing, details=NAME)


def silence() -> AioRpcError:
    """No problem document."""
    return AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), Metadata(), details=NAME)


async def refused(answer: Any, ask: Callable[[Bacen], Any]) -> AnswerInvalid:
    """The error that such an answer must end in; it tells no value."""
    with pytest.raises(AnswerInvalid) as invalid:
        await ask(bacen_that(answer))
    assert not any(value in str(invalid.value) for value in (*ONE.attributes[1:4], ZEROS) if value)
    return invalid.value


def without(record: dict[str, Any], name: str) -> dict[str, Any]:
    """All but one field."""
    return {field: value for field, value in record.items() if field != name}


@pytest.mark.parametrize("result", ["", "MAYBE", "ok"])
async def test_a_result_is_ok_or_nok(result: str) -> None:
    answer = pb.CreateSyncVerificationResponse(result=result)
    await refused(answer, lambda bacen: bacen.verify(PHONES, EMPTY_VSYNC, call()))


@pytest.mark.parametrize(
    "file",
    [
        FILE | {"id": ""},
        without(FILE, "bytes"),
        without(FILE, "sha256"),
        FILE | {"sha256": "ab"},
        without(FILE, "creation_time"),
    ],
    ids=["id", "bytes", "sha256", "sha256-short", "creation_time"],
)
async def test_an_available_file_says_what_proves_it(file: dict[str, Any]) -> None:
    answer = pb.GetCidFileResponse(cid_file=pb.CidFile(**file))
    await refused(answer, lambda bacen: bacen.file("f", PARTICIPANT, call()))


@pytest.mark.parametrize("status", ["PROCESSING", "UNAVAILABLE", "ERROR", "NEW_ONE", ""])
async def test_other_statuses_pass_as_bacen_wrote_them(status: str) -> None:
    answer = pb.GetCidFileResponse(cid_file=pb.CidFile(**FILE | {"status": status}))
    file = await bacen_that(answer).file("f", PARTICIPANT, call())
    assert (file.status, file.bytes, file.sha256) == (status, None, None)


@pytest.mark.parametrize(
    "page",
    [
        {"cid_events": [EVENT | {"type": "CHANGED"}]},
        {"cid_events": [EVENT | {"cid": ONE.cid.hex().upper()}]},
        {"cid_events": [EVENT | {"cid": ONE.cid.hex()[1:]}]},
        {"cid_events": [EVENT | {"cid": ""}]},
        {"cid_events": [without(EVENT, "timestamp")]},
        {"sync_verifier_start": ""},
        {"sync_verifier_end": f"{ZEROS}\n"},
    ],
    ids=["type", "upper", "short", "empty", "no time", "start", "end"],
)
async def test_a_page_with_one_bad_event_is_no_page(page: dict[str, Any]) -> None:
    good: dict[str, Any] = {"cid_events": [EVENT]} | PAGE
    assert (
        await bacen_that(pb.ListCidEventsResponse(**good)).events(PHONES, None, 9, call())
    ).events
    answer = pb.ListCidEventsResponse(**good | page)
    await refused(answer, lambda bacen: bacen.events(PHONES, None, 9, call()))


async def test_an_answer_with_a_time_that_is_none_is_no_answer() -> None:
    bad = pb.ListCidEventsResponse(
        **PAGE | {"cid_events": [EVENT | {"timestamp": {"seconds": 10**14}}]}
    )
    with pytest.raises(DirectoryUnreachable, match="UNREADABLE"):
        await bacen_that(bad).events(PHONES, None, 9, call())


@pytest.mark.parametrize(
    "answer",
    [
        ENTRY | {"cid": ZEROS},
        ENTRY | {"cid": ""},
        ENTRY | {"request_id": str(papers(2).request_id)},
        ENTRY | {"request_id": "none"},
        without(ENTRY, "response_time"),
        without(ENTRY, "entry"),
    ],
    ids=["another cid", "no cid", "another request_id", "no request_id", "no time", "no entry"],
)
async def test_an_entry_is_the_one_that_was_asked_for(answer: dict[str, Any]) -> None:
    good = await bacen_that(pb.GetEntryByCidResponse(**ENTRY)).entry_by_cid(
        ONE.cid, PARTICIPANT, call()
    )
    assert good is not None
    assert good.papers == ONE
    bad = pb.GetEntryByCidResponse(**answer)
    await refused(bad, lambda bacen: bacen.entry_by_cid(ONE.cid, PARTICIPANT, call()))


async def test_404_means_that_nobody_has_the_cid_and_nothing_else_does() -> None:
    gone = bacen_that(problem("NotFound", 404))
    assert await gone.entry_by_cid(ONE.cid, PARTICIPANT, call()) is None
    with pytest.raises(DirectoryRefused, match="NotFound"):
        await gone.file("f", PARTICIPANT, call())
    for type_, status in (("Forbidden", 403), ("RateLimited", 429), ("Gone", 410)):
        with pytest.raises(DirectoryRefused, match=type_) as error:
            await bacen_that(problem(type_, status)).entry_by_cid(ONE.cid, PARTICIPANT, call())
        assert error.value.http_status == status
        assert NAME not in str(error.value)


@pytest.mark.parametrize(
    ("end", "error"),
    [(silence(), DirectoryUnreachable), (problem("NotFound", 404), DirectoryRefused)],
    ids=["silence", "problem"],
)
async def test_a_download_that_breaks_gives_its_pieces_and_then_the_error(
    end: AioRpcError, error: type[DictError]
) -> None:
    pieces: list[bytes] = []

    async def read(stream: AsyncIterator[bytes]) -> None:
        async for piece in stream:
            pieces.append(piece)  # noqa: PERF401 - what came before the end counts

    with pytest.raises(error) as raised:
        await read(bacen_that(end, b"ab", b"cd").download("f", PARTICIPANT, call()))
    assert pieces == [b"ab", b"cd"]
    assert NAME not in str(raised.value)
