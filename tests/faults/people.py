"""Invented people: each claim of each seed has somebody of its own, found in no other seed."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Person:
    """The claimer, whose values may stand in clear nowhere."""

    key_type: str
    key: str
    tax_id: str
    name: str
    account: str

    @property
    def planted(self) -> tuple[str, ...]:
        """What P12 looks for."""
        return (self.key, self.tax_id, self.name, self.account)

    def __repr__(self) -> str:
        return f"Person({self.key_type})"


def invented(seed: int, number: int, key_type: str, rng: Random) -> Person:
    """The claimer of a seed's claim `number`; digits are the seed's, so nobody is met twice."""
    tail = rng.randrange(1_000, 10_000)
    own = f"{seed % 100_000:05d}{number % 10}"
    phone = f"+55619{own}{tail % 100:02d}"
    mail = f"semente{seed}.{number}.{tail}@example.com"
    return Person(
        key_type=key_type,
        key=phone if key_type == "PHONE" else mail,
        tax_id=f"8{own}{tail}",
        name=f"Semente Conceição {own}{tail}",
        account=f"77{own}{tail}",
    )
