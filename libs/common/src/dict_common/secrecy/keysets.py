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

Rotation = add a key, promote it, keep the old ones: `rotated` does the three.
"""

import json
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


def rotated(name: str, keyset_json: str) -> str:
    """The keyset with a new primary key; the old keys stay and still decrypt."""
    keyset, fresh = json.loads(keyset_json), json.loads(generated(name))
    merged = {"primaryKeyId": fresh["primaryKeyId"], "key": keyset["key"] + fresh["key"]}
    text = json.dumps(merged, indent=2)
    tink.json_proto_keyset_format.parse(text, secret_key_access.TOKEN)
    return text


def _secret_json(handle: tink.KeysetHandle) -> str:
    return str(tink.json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN))
