"""Tink keysets, one file each, from a folder that is a secret mount in production.

| file | Tink primitive | for |
|---|---|---|
| command-private.json | hybrid decrypt | what Core sealed for us |
| command-public.json | hybrid encrypt | handed to Core |
| core-public.json | hybrid encrypt | copies for Core |
| core-private.json | hybrid decrypt | Core's own; only a developer's folder has it |
| kek.json | AEAD | wraps the data keys of subjects |
| rest.json | AEAD | updatable tables and dead letters |
| prf.json | PRF | look-up hashes and fingerprints |
| temporal-codec.json | AEAD | Temporal payloads |
| operator-issuer-private.json | JWT sign | the issuer's own; only a developer's folder has it |
| operator-issuer-public.json | JWT verify | operators' tokens |

Rotation = add a key (`with_new_key`), give every process the file, promote the key (`promoted`),
keep the old ones. Promoting before every process has the key makes ciphertexts that some cannot
open.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import tink
from tink import aead, hybrid, jwt, prf, secret_key_access

from dict_common.kernel.errors import ConfigurationInvalid
from dict_common.secrecy.errors import TINK_ERRORS

hybrid.register()
aead.register()
prf.register()
jwt.register_jwt_signature()

TEMPLATES = {
    "command-private": (
        hybrid.hybrid_key_templates.DHKEM_X25519_HKDF_SHA256_HKDF_SHA256_AES_256_GCM
    ),
    "core-private": hybrid.hybrid_key_templates.DHKEM_X25519_HKDF_SHA256_HKDF_SHA256_AES_256_GCM,
    "kek": aead.aead_key_templates.AES256_GCM,
    "rest": aead.aead_key_templates.AES256_GCM,
    "prf": prf.prf_key_templates.HMAC_SHA256,
    "temporal-codec": aead.aead_key_templates.AES256_GCM,
    "operator-issuer-private": jwt.raw_jwt_es256_template(),
}
"""Secret keyset name to the template of its keys."""

PUBLIC_PARTS = {
    "command-private": "command-public",
    "core-private": "core-public",
    "operator-issuer-private": "operator-issuer-public",
}
"""Secret keyset name to the name of its public one."""


@dataclass(frozen=True)
class KeysetFolder:
    """A folder of keysets. Files are read on each call: nothing is cached here."""

    path: Path

    def private(self, name: str) -> tink.KeysetHandle:
        """A secret keyset. Raises ConfigurationInvalid naming the file."""
        text = self._read(name)
        try:
            return tink.json_proto_keyset_format.parse(text, secret_key_access.TOKEN)
        except TINK_ERRORS as error:
            raise ConfigurationInvalid("keyset-invalid", self._complaint(name)) from error

    def public(self, name: str) -> tink.KeysetHandle:
        """A public keyset. Raises ConfigurationInvalid naming the file."""
        text = self._read(name)
        try:
            return tink.json_proto_keyset_format.parse_without_secret(text)
        except TINK_ERRORS as error:
            raise ConfigurationInvalid("keyset-invalid", self._complaint(name)) from error

    def text(self, name: str) -> str:
        """A secret that is a text, such as `notify.secret`. Raises ConfigurationInvalid."""
        try:
            return (self.path / name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationInvalid(
                "secret-missing", f"{name} in {self.path}: {error.strerror}; see DICT_KEYS_DIR"
            ) from error

    def _read(self, name: str) -> str:
        try:
            return (self.path / f"{name}.json").read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigurationInvalid(
                "keyset-missing", f"{self._complaint(name)} ({error.strerror})"
            ) from error

    def _complaint(self, name: str) -> str:
        return (
            f"{name}.json in {self.path} is not a Tink keyset in JSON; "
            "set DICT_KEYS_DIR to the folder with the keysets"
        )


def generated(name: str) -> str:
    """A new secret keyset of that name, as JSON."""
    return _secret_json(tink.new_keyset_handle(TEMPLATES[name]))


def public_part(private_json: str) -> str:
    """The public keyset of a hybrid or signing keyset, as JSON."""
    handle = tink.json_proto_keyset_format.parse(private_json, secret_key_access.TOKEN)
    return str(
        tink.json_proto_keyset_format.serialize_without_secret(handle.public_keyset_handle())
    )


@dataclass(frozen=True)
class KeyInSet:
    """A key as an operator may see it. `waiting`: added after the primary one, not promoted yet."""

    id: int
    primary: bool
    waiting: bool
    status: str


def keys_in(keyset_json: str) -> tuple[KeyInSet, ...]:
    """The keys of a keyset, oldest first, without what is secret in them."""
    keyset = json.loads(keyset_json)
    ids = [key["keyId"] for key in keyset["key"]]
    place = ids.index(keyset["primaryKeyId"])
    return tuple(
        KeyInSet(key["keyId"], number == place, number > place, key["status"])
        for number, key in enumerate(keyset["key"])
    )


def with_new_key(name: str, keyset_json: str) -> str:
    """The keyset with one key more, which opens and does not seal yet."""
    keyset = json.loads(keyset_json)
    known = {key["keyId"] for key in keyset["key"]}
    fresh = json.loads(generated(name))
    while fresh["primaryKeyId"] in known:
        fresh = json.loads(generated(name))
    return _checked({**keyset, "key": keyset["key"] + fresh["key"]})


def promoted(keyset_json: str) -> str:
    """The keyset with its newest key as primary: it seals from now on, the others still open."""
    keyset = json.loads(keyset_json)
    return _checked({**keyset, "primaryKeyId": keyset["key"][-1]["keyId"]})


def rotated(name: str, keyset_json: str) -> str:
    """Both at once, for a keyset that no running process holds."""
    return promoted(with_new_key(name, keyset_json))


def write_secret(path: Path, text: str) -> None:
    """Replaces the file as a whole; it keeps its mode, and a new one is for the owner alone."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    part.replace(path)


def _checked(keyset: dict[str, object]) -> str:
    text = json.dumps(keyset, indent=2)
    tink.json_proto_keyset_format.parse(text, secret_key_access.TOKEN)
    return text


def _secret_json(handle: tink.KeysetHandle) -> str:
    return str(tink.json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN))
