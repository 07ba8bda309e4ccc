"""Logs: one JSON object a line on stderr, personal data taken out before it is written."""

import logging
import sys
from collections.abc import MutableMapping

import structlog

from dict_common.kernel.personal import PERSONAL_SHAPES

REDACTED = "[redacted]"

PERSONAL_NAMES = frozenset(
    {
        "key",
        "key_value",
        "tax_id",
        "tax_id_number",
        "name",
        "trade_name",
        "account_number",
        "claimer_tax_id",
        "claimer_name",
        "claimer_trade_name",
        "owner_tax_id",
        "owner_name",
        "owner_trade_name",
        "branch",
        "phone",
        "email",
        "payload",
        "body",
        "password",
        "token",
    }
)
"""Log fields of these names are never written, whatever they hold."""

_Event = MutableMapping[str, object]


def redact_text(text: str) -> str:
    """The text without anything shaped like a phone, CPF, CNPJ or e-mail."""
    return PERSONAL_SHAPES.sub(REDACTED, text)


def redact(_logger: object, _method: str, event: _Event) -> _Event:
    """Processor: the last one before rendering, so that nothing slips past it."""
    for name, value in event.items():
        event[name] = REDACTED if name in PERSONAL_NAMES else _redacted(value)
    return event


def _redacted(value: object) -> object:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {
            name: REDACTED if name in PERSONAL_NAMES else _redacted(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_redacted(inner) for inner in value]
    if isinstance(value, bytes):
        return REDACTED
    if isinstance(value, bool | float | None):
        return value
    cleaned = redact_text(str(value))
    return value if isinstance(value, int) and cleaned == str(value) else cleaned


def configure_logs(service: str, level: str) -> None:
    """Sets up structlog and the standard library's logging alike; called once by an entry point."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _named(service),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )


def _named(service: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: _Event) -> _Event:
        event["service"] = service
        return event

    return add


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger; the first argument of each call is the action, kebab-case, the rest are fields."""
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return bound
