"""Protobuf messages ↔ faults of files. What is wrong with a plan is said fault by fault."""

import re
from collections.abc import Iterator, Sequence

from bridge_simulator.cid_file_fault_rows import CidFileFaultCount
from bridge_simulator.cid_file_faults import CidFileFault, FileTrouble
from bridge_simulator.cid_files import AVAILABLE, REQUESTED
from bridge_simulator.fault_messages import FAULTS_MAX, refuse
from bridge_simulator.formats import KEY_PATTERNS, is_participant
from bridge_simulator.problems import DictProblem, Violation
from dict_schemas.generated.dict.simulator.v1 import control_pb2 as pb

LATE_MS_MAX = 86_400_000
DUPLICATED_LINES_MAX = 100_000
STRAY_LINE_CHARACTERS_MAX = 1000

_STATUS = re.compile(r"[A-Z_]{1,100}")
_OF_A_MADE_FILE = (
    "cut_bytes",
    "duplicated_lines",
    "stray_line",
    "wrong_sha256",
    "wrong_bytes",
    "downloads_not_found",
)
_EFFECTS = ("late_ms", "status", *_OF_A_MADE_FILE)


def to_file_plan(messages: Sequence[pb.CidFileFault]) -> list[CidFileFault]:
    """The ordered plan. Raises BadRequest that names every field that cannot be."""
    if len(messages) > FAULTS_MAX:
        raise DictProblem("BadRequest", f"faults: at most {FAULTS_MAX}")
    refuse(
        [
            violation
            for number, message in enumerate(messages)
            for violation in _violations(message, f"faults[{number}]")
        ]
    )
    return [_to_fault(message) for message in messages]


def file_fault_state_message(count: CidFileFaultCount) -> pb.CidFileFaultState:
    """A fault as it was ordered, and its counters."""
    fault, trouble = count.fault, count.fault.trouble
    message = pb.CidFileFault(
        participant=fault.participant,
        key_type=fault.key_type,
        skip=fault.skip,
        times=fault.times,
        late_ms=trouble.late_ms,
        status=trouble.status,
        cut_bytes=trouble.cut_bytes,
        duplicated_lines=trouble.duplicated_lines,
        stray_line=trouble.stray_line,
        wrong_sha256=trouble.wrong_sha256,
        wrong_bytes=trouble.wrong_bytes,
        downloads_not_found=trouble.downloads_not_found,
    )
    return pb.CidFileFaultState(fault=message, seen=count.seen, fired=count.fired)


def _to_fault(message: pb.CidFileFault) -> CidFileFault:
    trouble = FileTrouble(
        late_ms=message.late_ms,
        status=message.status,
        cut_bytes=message.cut_bytes,
        duplicated_lines=message.duplicated_lines,
        stray_line=message.stray_line if message.HasField("stray_line") else None,
        wrong_sha256=message.wrong_sha256,
        wrong_bytes=message.wrong_bytes,
        downloads_not_found=message.downloads_not_found,
    )
    return CidFileFault(message.participant, message.key_type, message.skip, message.times, trouble)


def _violations(message: pb.CidFileFault, name: str) -> Iterator[Violation]:
    said = [effect for effect in _EFFECTS if _says(message, effect)]
    if not said:
        yield Violation(f"says one of {', '.join(_EFFECTS)}", "", name)
    if message.participant and not is_participant(message.participant):
        yield Violation("is 8 letters and digits", message.participant, f"{name}.participant")
    if message.key_type and message.key_type not in KEY_PATTERNS:
        yield Violation("is no key type", message.key_type, f"{name}.key_type")
    for field, maximum in (
        ("late_ms", LATE_MS_MAX),
        ("duplicated_lines", DUPLICATED_LINES_MAX),
    ):
        if getattr(message, field) > maximum:
            yield Violation(
                f"is at most {maximum}", str(getattr(message, field)), f"{name}.{field}"
            )
    if len(message.stray_line) > STRAY_LINE_CHARACTERS_MAX or "\n" in message.stray_line:
        reason = f"is one line of at most {STRAY_LINE_CHARACTERS_MAX} characters"
        yield Violation(reason, message.stray_line[:100], f"{name}.stray_line")
    if message.status:
        yield from _status_violations(message, said, name)


def _status_violations(
    message: pb.CidFileFault, said: Sequence[str], name: str
) -> Iterator[Violation]:
    if not _STATUS.fullmatch(message.status) or message.status in (REQUESTED, AVAILABLE):
        reason = "is ERROR, UNAVAILABLE, PROCESSING or another word in capitals"
        yield Violation(reason, message.status[:100], f"{name}.status")
    for field in _OF_A_MADE_FILE:
        if field in said:
            yield Violation("is of a file that becomes AVAILABLE", "", f"{name}.{field}")


def _says(message: pb.CidFileFault, effect: str) -> bool:
    if effect == "stray_line":  # an empty line is one too
        return message.HasField("stray_line")
    return bool(getattr(message, effect))
