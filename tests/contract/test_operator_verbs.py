"""operator-verbs.yaml ↔ the Avro enums ↔ the services: a verb has one service, and it knows it."""

import pytest

from audit_sink.application.dead_letter_desk import Verb as LetterVerb
from audit_sink.bootstrap.desk import DESK
from audit_sink.domain.replay import Verb as ReplayVerb
from claim_orchestrator.application.operator_request import Verb as ClaimVerb
from claim_orchestrator.bootstrap.foundations import SERVICE as CLAIMS
from dict_schemas import avro
from dict_schemas.operators import answers, direct, verbs
from dict_schemas.topics import dead_letter_services, topic
from vsync.application.decide_review import VERB as REVIEW
from vsync.application.import_entries import VERB as IMPORT
from vsync.application.open_entries import VERB as OPEN
from vsync.bootstrap.foundations import SERVICE as VSYNC

KNOWN_BY = {CLAIMS: {*map(str, ClaimVerb)}, DESK: {*map(str, LetterVerb), *map(str, ReplayVerb)}}


def symbols(name: str) -> set[str]:
    """The verbs of the newest version of a schema."""
    fields = avro.fields(avro.definition(name, avro.latest(name)))
    (kind,) = [field["type"] for field in fields if field["name"] == "verb"]
    assert isinstance(kind, dict)
    return set(kind["symbols"])


def test_every_verb_has_a_service_and_no_service_has_another() -> None:
    assert symbols("operator.request") - {"UNKNOWN"} == set(verbs())
    assert symbols("operator.acted") - {"UNKNOWN"} == {*verbs(), *direct()}


def test_what_no_request_carries_is_told_by_the_service_that_does_it() -> None:
    assert dict(direct()) == {IMPORT: VSYNC, OPEN: VSYNC, REVIEW: VSYNC}
    assert set(direct().values()) <= set(topic("events", "operator.acted").producers)


def test_verbs_of_a_service_are_those_that_its_code_knows() -> None:
    for service in set(verbs().values()):
        wanted = {verb for verb, owner in verbs().items() if owner == service}
        assert KNOWN_BY[service] == wanted


def test_who_answers_reads_the_topic() -> None:
    consumers = set(topic("commands", "operator.request").consumers)
    assert set(verbs().values()) | {answers("UNKNOWN")} == consumers


def test_verb_of_nobody_is_refused_by_one_service() -> None:
    for stranger in ("UNKNOWN", "", None, "REPLAY_THE_WORLD"):
        assert answers(stranger) == CLAIMS


@pytest.mark.parametrize("service", dead_letter_services())
def test_every_service_gets_its_dead_letters_back_from_the_desk_alone(service: str) -> None:
    back = topic("dead-letters", f"{service}.redrive")
    letters = topic("dead-letters", service)
    assert (back.producers, back.consumers) == (("audit-desk",), letters.producers)
    assert "audit-desk" in letters.consumers
    assert back.partitions == letters.partitions
