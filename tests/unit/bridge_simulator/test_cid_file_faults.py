"""What may go wrong with a file of CIDs, over gRPC, in this process."""

from hashlib import sha256

import grpc
import pytest

from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb
from dict_schemas.generated.dict.simulator.v1.control_pb2 import (
    CidFileFault,
    ListCidFileFaultsRequest,
    ResetRequest,
    SetCidFileFaultsRequest,
)
from tests.unit.bridge_simulator.dict_line import Line, problem_of
from tests.unit.bridge_simulator.dict_world import CLAIMER_ISPB, DONOR_ISPB

LINE_BYTES = 65


async def _plan(line: Line, *faults: CidFileFault) -> None:
    await line.control.SetCidFileFaults(SetCidFileFaultsRequest(faults=faults))


async def _counts(line: Line) -> list[tuple[int, int]]:
    listed = await line.control.ListCidFileFaults(ListCidFileFaultsRequest())
    return [(state.seen, state.fired) for state in listed.faults]


async def _asked(line: Line, key_type: str = "PHONE", participant: str = DONOR_ISPB) -> str:
    request = pb.RequestCidFileRequest(participant=participant, key_type=key_type)
    return (await line.bridge.RequestCidFile(request)).cid_file.id


async def _got(line: Line, file_id: str, participant: str = DONOR_ISPB) -> pb.CidFile:
    request = pb.GetCidFileRequest(id=file_id, requesting_participant=participant)
    return (await line.bridge.GetCidFile(request)).cid_file


async def _downloaded(line: Line, file_id: str) -> bytes:
    request = pb.DownloadCidFileRequest(id=file_id, requesting_participant=DONOR_ISPB)
    return b"".join([part.chunk async for part in line.bridge.DownloadCidFile(request)])


async def _made(line: Line, fault: CidFileFault) -> tuple[pb.CidFile, bytes]:
    """A file of three phones under a fault, and what a download brings."""
    for number in range(3):
        line.world.enter(key=f"+556198888000{number}")
    await _plan(line, fault)
    file_id = await _asked(line)
    line.world.wait(seconds=11)
    file = await _got(line, file_id)
    assert file.status == "AVAILABLE"
    return file, await _downloaded(line, file_id)


def _fits(file: pb.CidFile, content: bytes) -> tuple[bool, bool]:
    return file.bytes == len(content), file.sha256 == sha256(content).hexdigest()


async def test_a_late_file_is_processing_and_holds_the_cids_of_its_making(line: Line) -> None:
    await _plan(line, CidFileFault(late_ms=60_000))
    file_id = await _asked(line)
    assert (await _got(line, file_id)).status == "REQUESTED"
    line.world.wait(seconds=69)
    assert (await _got(line, file_id)).status == "PROCESSING"
    with pytest.raises(grpc.aio.AioRpcError, match="NotFound"):
        await _downloaded(line, file_id)
    line.world.enter()
    line.world.wait(seconds=1)
    assert (await _got(line, file_id)).status == "AVAILABLE"
    assert len(await _downloaded(line, file_id)) == LINE_BYTES


@pytest.mark.parametrize("status", ["ERROR", "UNAVAILABLE", "PROCESSING", "EXPIRED"])
async def test_a_file_that_never_becomes_available(line: Line, status: str) -> None:
    await _plan(line, CidFileFault(status=status, late_ms=1000))
    file_id = await _asked(line)
    line.world.wait(seconds=10)
    assert (await _got(line, file_id)).status == "PROCESSING"
    line.world.wait(days=3)
    file = await _got(line, file_id)
    assert (file.status, file.HasField("url"), file.HasField("bytes")) == (status, False, False)
    with pytest.raises(grpc.aio.AioRpcError, match="NotFound"):
        await _downloaded(line, file_id)


@pytest.mark.parametrize(
    ("fault", "size", "lines", "fits"),
    [
        (CidFileFault(late_ms=1), 3 * LINE_BYTES, 3, (True, True)),
        (CidFileFault(cut_bytes=1), 3 * LINE_BYTES - 1, 3, (False, False)),
        (CidFileFault(cut_bytes=LINE_BYTES), 2 * LINE_BYTES, 3, (False, False)),
        (CidFileFault(cut_bytes=4_000_000_000), 0, 3, (False, False)),
        (CidFileFault(duplicated_lines=2), 5 * LINE_BYTES, 5, (True, True)),
        (CidFileFault(duplicated_lines=100_000), 6 * LINE_BYTES, 6, (True, True)),
        (CidFileFault(stray_line="não é CID"), 3 * LINE_BYTES + 12, 4, (True, True)),
        (CidFileFault(stray_line=""), 3 * LINE_BYTES + 1, 4, (True, True)),
        (CidFileFault(wrong_sha256=True), 3 * LINE_BYTES, 3, (True, False)),
        (CidFileFault(wrong_bytes=True), 3 * LINE_BYTES, 3, (False, True)),
        (CidFileFault(duplicated_lines=1, cut_bytes=5), 4 * LINE_BYTES - 5, 4, (False, False)),
    ],
    ids=lambda value: str(value).strip().replace("\n", " ") if hasattr(value, "late_ms") else None,
)
async def test_what_a_download_brings(
    line: Line, fault: CidFileFault, size: int, lines: int, fits: tuple[bool, bool]
) -> None:
    file, content = await _made(line, fault)
    assert len(content) == size
    assert _fits(file, content) == fits
    told = file.bytes - (1 if fault.wrong_bytes else 0)
    assert told == size + min(fault.cut_bytes, told)
    if not fault.cut_bytes:
        assert content.count(b"\n") == lines


async def test_duplicated_lines_are_the_same_cids(line: Line) -> None:
    _, content = await _made(line, CidFileFault(duplicated_lines=2))
    lines = content.split()
    assert lines[:2] == lines[3:]
    assert len(set(lines)) == 3


async def test_an_available_file_may_be_not_found_a_few_times(line: Line) -> None:
    await _plan(line, CidFileFault(downloads_not_found=2))
    line.world.enter()
    file_id = await _asked(line)
    line.world.wait(seconds=10)
    for _ in range(2):
        assert (await _got(line, file_id)).status == "AVAILABLE"
        with pytest.raises(grpc.aio.AioRpcError, match="NotFound"):
            await _downloaded(line, file_id)
    assert len(await _downloaded(line, file_id)) == LINE_BYTES


async def test_faults_hit_by_order_set_skip_and_times(line: Line) -> None:
    await _plan(
        line,
        CidFileFault(participant=CLAIMER_ISPB, status="ERROR"),
        CidFileFault(key_type="EMAIL", times=1, status="UNAVAILABLE"),
        CidFileFault(participant=DONOR_ISPB, skip=1, times=1, status="PROCESSING"),
    )
    asked = [
        (await _asked(line, key_type, participant), participant)
        for key_type, participant in (
            ("PHONE", DONOR_ISPB),
            ("EMAIL", DONOR_ISPB),
            ("EMAIL", DONOR_ISPB),
            ("EMAIL", DONOR_ISPB),
            ("EMAIL", CLAIMER_ISPB),
        )
    ]
    line.world.wait(seconds=10)
    statuses = [(await _got(line, *file)).status for file in asked]
    assert statuses == ["AVAILABLE", "UNAVAILABLE", "PROCESSING", "AVAILABLE", "ERROR"]
    assert await _counts(line) == [(1, 1), (1, 1), (2, 1)]


async def test_a_new_plan_leaves_files_that_were_asked_for(line: Line) -> None:
    await _plan(line, CidFileFault(status="ERROR"))
    file_id = await _asked(line)
    await _plan(line)
    line.world.wait(seconds=10)
    assert (await _got(line, file_id)).status == "ERROR"
    assert await _counts(line) == []
    await _plan(line, CidFileFault(status="ERROR"))
    await line.control.Reset(ResetRequest())
    assert await _counts(line) == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (CidFileFault(), "faults[0] says one of late_ms"),
        (CidFileFault(late_ms=86_400_001), "faults[0].late_ms is at most 86400000"),
        (CidFileFault(status="AVAILABLE"), "faults[0].status is ERROR, UNAVAILABLE"),
        (CidFileFault(status="REQUESTED"), "faults[0].status is ERROR, UNAVAILABLE"),
        (CidFileFault(status="error\n"), "faults[0].status is ERROR, UNAVAILABLE"),
        (CidFileFault(duplicated_lines=100_001), "duplicated_lines is at most 100000"),
        (CidFileFault(stray_line="a\nb"), "faults[0].stray_line is one line"),
        (CidFileFault(stray_line="a" * 1001), "faults[0].stray_line is one line"),
        (CidFileFault(status="ERROR", wrong_bytes=True), "faults[0].wrong_bytes is of a file that"),
        (CidFileFault(late_ms=1, participant="1234567"), "participant is 8 letters and digits"),
        (CidFileFault(late_ms=1, key_type="MOBILE"), "faults[0].key_type is no key type"),
    ],
)
async def test_a_wrong_plan_is_refused_as_a_whole(
    line: Line, fault: CidFileFault, said: str
) -> None:
    await _plan(line, CidFileFault(late_ms=1))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _plan(line, fault, CidFileFault(late_ms=1))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert said in problem_of(caught.value).detail
    assert await _counts(line) == [(0, 0)]


async def test_too_many_faults(line: Line) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _plan(line, *[CidFileFault(late_ms=1)] * 1001)
    assert problem_of(caught.value).detail == "faults: at most 1000"


async def test_what_was_ordered_is_listed_as_it_was(line: Line) -> None:
    ordered = CidFileFault(
        participant=DONOR_ISPB,
        key_type="EVP",
        skip=1,
        times=2,
        late_ms=3,
        cut_bytes=4,
        duplicated_lines=5,
        stray_line="",
        wrong_sha256=True,
        wrong_bytes=True,
        downloads_not_found=6,
    )
    await _plan(line, ordered)
    listed = await line.control.ListCidFileFaults(ListCidFileFaultsRequest())
    assert [state.fault for state in listed.faults] == [ordered]
