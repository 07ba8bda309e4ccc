"""Where a message goes: murmur3 of its key, the same for every producer of ours.

The Python client's own hash differs from Java's, and cannot be chosen; this is Java's
`Murmur3_32Hash`, so that a producer in any language can agree with us.
"""

from typing import Protocol

_MASK = 0xFFFFFFFF
_INT_MAX = 0x7FFFFFFF


class Keyed(Protocol):
    """What the client hands to a router."""

    def partition_key(self) -> str:
        """The message's key, empty if it has none."""


def murmur3_32(data: bytes, seed: int = 0) -> int:
    """MurmurHash3 x86 32 bit, unsigned."""
    hashed = seed
    whole = len(data) - len(data) % 4
    for start in range(0, whole, 4):
        hashed ^= _scrambled(int.from_bytes(data[start : start + 4], "little"))
        hashed = (_rotated(hashed, 13) * 5 + 0xE6546B64) & _MASK
    if whole < len(data):
        hashed ^= _scrambled(int.from_bytes(data[whole:], "little"))
    hashed ^= len(data)
    hashed = ((hashed ^ hashed >> 16) * 0x85EBCA6B) & _MASK
    hashed = ((hashed ^ hashed >> 13) * 0xC2B2AE35) & _MASK
    return hashed ^ hashed >> 16


def partition_of(key: str, partitions: int) -> int:
    """The partition, from 0, of a key."""
    return (murmur3_32(key.encode()) & _INT_MAX) % partitions


def route(message: Keyed, partitions: int) -> int:
    """`message_router` of every producer of ours."""
    return partition_of(message.partition_key(), partitions)


def _scrambled(block: int) -> int:
    return (_rotated((block * 0xCC9E2D51) & _MASK, 15) * 0x1B873593) & _MASK


def _rotated(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (32 - bits))) & _MASK
