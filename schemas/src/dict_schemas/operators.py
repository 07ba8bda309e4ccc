"""Which service answers which verb of `operator.request`, read once from `operator-verbs.yaml`."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import yaml

from dict_schemas.location import contracts_folder


@cache
def verbs() -> Mapping[str, str]:
    """Verb → service, in the file's order."""
    return MappingProxyType(dict(_document()["verbs"]))


@cache
def direct() -> Mapping[str, str]:
    """Verb that no request carries → the service whose console does it."""
    return MappingProxyType(dict(_document()["direct"]))


def answers(verb: object) -> str:
    """The one service that answers a verb: does it, or refuses it. Whoever else reads the topic
    acknowledges it in silence. A verb that nobody has is refused by one service for all."""
    return verbs().get(str(verb), str(_document()["unowned"]))


@cache
def _document() -> Mapping[str, Any]:
    text = (contracts_folder() / "operator-verbs.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded
