"""What is sealed opens for its field, its key and its time only."""

import json
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from dict_common.kernel.errors import ConfigurationInvalid
from dict_common.kernel.ids import new_id
from dict_common.secrecy.development import main, make_missing
from dict_common.secrecy.errors import CiphertextInvalid, SubjectErased
from dict_common.secrecy.hybrid import HybridOpener, HybridSealer
from dict_common.secrecy.keysets import TEMPLATES, KeysetFolder, rotated
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.secrecy.subjects import (
    CACHE_SECONDS_MAX,
    StoredSubjectSealer,
    key_id_of,
    open_with,
    seal_with,
)
from dict_common.testing.subject_keys import InMemorySubjectKeyStore

TAX_ID = "11122233300"
CONTEXT = "dict.claim.ClaimCreated.key"


@pytest.fixture(scope="module")
def keysets(tmp_path_factory: pytest.TempPathFactory) -> KeysetFolder:
    """Development keysets."""
    folder = Path(tmp_path_factory.mktemp("keys"))
    make_missing(folder)
    return KeysetFolder(folder)


@pytest.fixture
def rest(keysets: KeysetFolder) -> TinkRestSealer:
    """The rest sealer."""
    return TinkRestSealer(keysets.private("rest"), keysets.private("prf"))


class Ticking:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_development_keysets_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    public = {"command-public", "core-public", "operator-issuer-public"}
    assert set(make_missing(folder)) == {*TEMPLATES, *public, "operator.jwt", "notify.secret"}
    assert make_missing(folder) == ()
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert main([str(folder)]) == 0
    assert main([]) == 2


def test_hybrid_opens_for_its_field_and_key_only(keysets: KeysetFolder) -> None:
    sealer = HybridSealer(keysets.public("command-public"))
    opener = HybridOpener(keysets.private("command-private"))
    sealed = sealer.seal("a.B.key", "João")
    assert opener.open("a.B.key", sealed) == "João"
    with pytest.raises(CiphertextInvalid, match=r"a\.B\.name"):
        opener.open("a.B.name", sealed)
    with pytest.raises(CiphertextInvalid):
        HybridOpener(keysets.private("core-private")).open("a.B.key", sealed)
    with pytest.raises(CiphertextInvalid):
        opener.open("a.B.key", b"")


def test_rest_is_bound_to_its_context(rest: TinkRestSealer) -> None:
    sealed = rest.seal("t.column", b"text")
    assert rest.open("t.column", sealed) == b"text"
    with pytest.raises(CiphertextInvalid):
        rest.open("t.other", sealed)
    assert len(rest.look_up_hash(TAX_ID)) == 64
    assert rest.look_up_hash(TAX_ID) != rest.look_up_hash("11122233301")


def test_rotation_keeps_old_ciphertexts_and_promotes_the_new_key(
    keysets: KeysetFolder, rest: TinkRestSealer, tmp_path: Path
) -> None:
    sealed, fingerprint = rest.seal("t.c", b"old"), rest.fingerprints(b"content")[0]
    old_hash = rest.look_up_hash(TAX_ID)
    for name in ("rest", "prf"):
        text = (keysets.path / f"{name}.json").read_text()
        (tmp_path / f"{name}.json").write_text(rotated(name, text))
    folder = KeysetFolder(tmp_path)
    after = TinkRestSealer(folder.private("rest"), folder.private("prf"))
    assert after.open("t.c", sealed) == b"old"
    with pytest.raises(CiphertextInvalid):
        rest.open("t.c", after.seal("t.c", b"new"))
    assert fingerprint in after.fingerprints(b"content")
    assert after.fingerprints(b"content")[0] != fingerprint
    assert after.look_up_hash(TAX_ID) != old_hash
    assert old_hash in after.look_up_hashes(TAX_ID)


def test_keyset_that_is_missing_or_broken_says_which(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"rest\.json"):
        KeysetFolder(tmp_path).private("rest")
    (tmp_path / "rest.json").write_text(json.dumps({"primaryKeyId": 1}))
    with pytest.raises(ConfigurationInvalid, match="DICT_KEYS_DIR"):
        KeysetFolder(tmp_path).private("rest")


def test_subject_ciphertext_has_the_format_that_can_never_change() -> None:
    key_id, nonce, dek = UUID(int=5), b"n" * 12, b"k" * 32
    sealed = seal_with(dek, key_id, CONTEXT, "text", nonce)
    assert sealed[:1] == b"\x01"
    assert sealed[1:17] == key_id.bytes
    assert sealed[17:29] == nonce
    assert len(sealed) == 29 + len("text") + 16
    assert key_id_of(sealed, CONTEXT) == key_id
    assert open_with(dek, CONTEXT, sealed) == "text"


@pytest.mark.parametrize("place", [0, 1, 17, 29, -1])
def test_flipped_byte_does_not_open(place: int) -> None:
    sealed = bytearray(seal_with(b"k" * 32, UUID(int=5), CONTEXT, "text", b"n" * 12))
    sealed[place] ^= 1
    with pytest.raises(CiphertextInvalid):
        open_with(b"k" * 32, CONTEXT, bytes(sealed))


def test_other_field_does_not_open() -> None:
    sealed = seal_with(b"k" * 32, UUID(int=5), CONTEXT, "text", b"n" * 12)
    with pytest.raises(CiphertextInvalid):
        open_with(b"k" * 32, CONTEXT + "x", sealed)


async def test_subject_is_the_same_person_and_seals_fresh_each_time(
    keysets: KeysetFolder, rest: TinkRestSealer
) -> None:
    store = InMemorySubjectKeyStore()
    sealer = StoredSubjectSealer(store, keysets.private("kek"), rest, new_id)
    subject = await sealer.subject_of(TAX_ID)
    assert await sealer.subject_of(TAX_ID) == subject
    assert (await sealer.subject_of("22233344405")).subject_id != subject.subject_id
    first = await sealer.seal(subject.subject_id, CONTEXT, "+5561988880000")
    second = await sealer.seal(subject.subject_id, CONTEXT, "+5561988880000")
    assert first != second
    assert await sealer.open(CONTEXT, first) == "+5561988880000"


async def test_destroyed_key_is_gone_from_the_cache_within_its_time(
    keysets: KeysetFolder, rest: TinkRestSealer
) -> None:
    store, clock = InMemorySubjectKeyStore(), Ticking()
    sealer = StoredSubjectSealer(store, keysets.private("kek"), rest, new_id, clock)
    subject = await sealer.subject_of(TAX_ID)
    sealed = await sealer.seal(subject.subject_id, CONTEXT, "text")
    store.destroy(subject.key_id)
    with pytest.raises(SubjectErased):
        await sealer.open(CONTEXT, sealed)
    clock.seconds = CACHE_SECONDS_MAX + 1
    with pytest.raises(SubjectErased):
        await sealer.seal(subject.subject_id, CONTEXT, "text")
    with pytest.raises(SubjectErased):
        await sealer.seal(uuid4(), CONTEXT, "text")
