"""Formats that can never change, against vectors that are written down once.

Another implementation can be checked by the same file. A test that fails here means that kept data
would become unreadable or unprovable: the code is wrong, never the file.
"""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from audit_sink.domain.audit_row import AuditRow, Json, canonical_json
from audit_sink.domain.evidence import (
    BatchPart,
    batch_root,
    content_digest,
    framed_columns,
    leaf_of,
    merkle_root,
)
from dict_common.bus.avro import AvroCodec
from dict_common.bus.router import murmur3_32, partition_of
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.ids import rejection_id
from dict_common.secrecy.subjects import open_with, seal_with
from dict_schemas.location import contracts_folder

INSTANT = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
PAYLOAD: dict[str, Json] = {
    "type": "PORTABILITY",
    "claim_id": "0e5c6f0e",
    "note": "é",
    "n": 7,
    "no": None,
}
ROW = AuditRow(
    event_id=UUID("01a21338-da75-74e6-af3c-094034a7aece"),
    workflow_type="CreateClaimWorkflow",
    workflow_id="claim-0e5c6f0e-64fe-4adb-869f-08021ffdd852",
    workflow_run_id=None,
    event_type="STARTED",
    event_subtype="claim.created",
    event_payload=canonical_json(PAYLOAD),
    user_id=None,
    correlation_id="c",
    occurred_at=INSTANT,
    metadata=canonical_json({"topic": "persistent://dict/events/claim.created", "partition": 3}),
    source="/dict-connect/claim-orchestrator",
    aggregate_type="claim",
    aggregate_id="0e5c6f0e-64fe-4adb-869f-08021ffdd852",
    aggregate_sequence=1,
    participant_ispb="12345678",
)
ENVELOPE = Envelope(
    id=ROW.event_id,
    type="claim.created",
    source=ROW.source,
    time=INSTANT,
    subject=ROW.aggregate_id,
    aggregate_type="claim",
    sequence=1,
)
DEK, NONCE, KEY_ID = bytes(range(32)), bytes(range(12)), UUID(int=0x0102030405060708)
CONTEXT = AvroCodec().context("claim.created", "key")
PARTS = (
    BatchPart(date(2026, 1, 1), 3, bytes([1]) * 32),
    BatchPart(date(2026, 2, 1), 1, bytes([2]) * 32),
)


def computed() -> dict[str, Any]:
    """Every vector as the code makes it today."""
    leaves = [bytes([number]) * 32 for number in range(5)]
    return {
        "encryption context": CONTEXT,
        "subject ciphertext": seal_with(DEK, KEY_ID, CONTEXT, "+5561988880000", NONCE).hex(),
        "associated data": (b"\x01" + KEY_ID.bytes + CONTEXT.encode()).hex(),
        "canonical json": canonical_json(PAYLOAD).decode(),
        "leaf": leaf_of(framed_columns(ROW)).hex(),
        "merkle root of 1 to 5 leaves": [merkle_root(leaves[:n]).hex() for n in range(1, 6)],
        "batch root": batch_root(PARTS).hex(),
        "content digest": content_digest(ENVELOPE, b"body"),
        "murmur3": murmur3_32(ROW.aggregate_id.encode()),
        "partition of 16": partition_of(ROW.aggregate_id, 16),
        "rejection id": str(
            rejection_id("claim-orchestrator.claim-create", ROW.event_id, b"\x00\x01")
        ),
    }


VECTORS: dict[str, Any] = json.loads(
    Path(contracts_folder(), "examples", "vectors.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", sorted(computed()))
def test_vector(name: str) -> None:
    assert computed()[name] == VECTORS[name]


def test_no_vector_is_left_alone() -> None:
    assert set(VECTORS) == set(computed())


def test_subject_ciphertext_of_the_file_opens() -> None:
    sealed = bytes.fromhex(VECTORS["subject ciphertext"])
    assert open_with(DEK, VECTORS["encryption context"], sealed) == "+5561988880000"
