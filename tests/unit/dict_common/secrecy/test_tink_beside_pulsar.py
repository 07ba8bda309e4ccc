"""Tink and Pulsar in one process, loaded in either order: a wrong ciphertext is told as such."""

import subprocess
import sys

import pytest

PROGRAM = """
import {first}
import {second}
from dict_common.secrecy.errors import CiphertextInvalid
from dict_common.secrecy.keysets import generated
from dict_common.secrecy.rest import TinkRestSealer
import tink
from tink import secret_key_access

def keyset(name):
    return tink.json_proto_keyset_format.parse(generated(name), secret_key_access.TOKEN)

sealer = TinkRestSealer(keyset("rest"), keyset("prf"))
sealed = sealer.seal("here", b"secret")
try:
    sealer.open("elsewhere", sealed)
except CiphertextInvalid:
    print("told")
"""


@pytest.mark.parametrize("order", [("tink", "pulsar"), ("pulsar", "tink")])
def test_wrong_ciphertext_is_told(order: tuple[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(first=order[0], second=order[1])],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == "told"
