"""What may be shown of an entry: enough to tell two versions apart, too little to know a person."""

import unicodedata

from dict_common.kernel.pix_key import KeyType
from vsync.domain.cid import CidAttributes

_CLEAR = frozenset({"key_type", "participant", "branch", "account_type"})
"""No personal data; everything else shows its length. REQUEST_ID is the secret of a CID."""
REQUEST_ID = "request_id"
_NOTHING = "[nothing]"
_TAIL = 2
_LONG = 8
"""Shorter keys than this are of no known type, and show nothing of themselves."""


def masked_key(key_type: str, key: str) -> str:
    """A key that its owner recognises, and nobody else.

    A phone keeps its country's sign and two digits, a CPF or CNPJ its last two, an e-mail the
    letter before and the label after all, an EVP its last four.
    """
    if key_type == KeyType.EMAIL and "@" in key:
        local, _, domain = key.partition("@")
        label = domain.rpartition(".")[2] if "." in domain else ""
        return f"{local[:1]}***@***{label and '.'}{label}"
    if len(key) < _LONG:
        return masked(key)
    head = 3 if key_type == KeyType.PHONE else 0
    tail = 2 * _TAIL if key_type == KeyType.EVP else _TAIL
    return f"{key[:head]}{'*' * (len(key) - head - tail)}{key[-tail:]}"


def masked(value: str) -> str:
    """Its length."""
    return f"[{len(value)} characters]" if value else _NOTHING


def shown(name: str, value: str) -> str:
    """A value of CidAttributes, or the RequestId, as eyes may see it that may not see it."""
    if name in _CLEAR:
        return value or _NOTHING
    return masked(value)


def shown_in_clear(name: str, value: str) -> str:
    """The same for eyes that may see it; the secret of a CID is nobody's."""
    if name == REQUEST_ID:
        return masked(value)
    return value or _NOTHING


def how_it_differs(ours: str, theirs: str) -> str | None:
    """What parts two texts that look alike: one CID counts every byte. None where they are simply
    two texts."""
    if not ours or not theirs:
        return "DICT alone has one" if theirs else "we alone have one"
    alike = (
        (_composed, "another Unicode form of the same letters"),
        (lambda text: _composed(text).casefold(), "upper and lower case alone"),
        (_without_accents, "accents alone"),
        (lambda text: "".join(text.split()), "blanks alone"),
        (lambda text: text.lstrip("0"), "leading zeros alone"),
    )
    for form, words in alike:
        if form(ours) == form(theirs):
            return words
    if theirs.startswith(ours):
        return "ours is the beginning of DICT's"
    return "DICT's is the beginning of ours" if ours.startswith(theirs) else None


def key_of(attributes: CidAttributes) -> str:
    """Its key, masked."""
    return masked_key(attributes.key_type, attributes.key)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _without_accents(text: str) -> str:
    parts = unicodedata.normalize("NFD", text)
    return "".join(it for it in parts if not unicodedata.combining(it))
