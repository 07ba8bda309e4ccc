"""Operators' tokens: JWTs of the participant's own issuer, ES256 (RFC 7519, 7518).

A token is judged as of the instant when its command was published: a command that waited at the
broker is not refused because its token has run out since.
How it travels: `kernel/bound_tokens.py`.
"""

from datetime import datetime, timedelta

import tink
from tink import jwt

from dict_common.kernel.errors import InputRefused
from dict_common.secrecy.errors import TINK_ERRORS

AUDIENCE = "dict-connect"
CLOCK_SKEW = timedelta(seconds=60)

jwt.register_jwt_signature()


class JwtOperatorTokens:
    """Verifies tokens. Never blocks."""

    def __init__(self, keyset: tink.KeysetHandle, issuer: str) -> None:
        self._verify = keyset.primitive(jwt.JwtPublicKeyVerify)
        self._issuer = issuer

    def subject_of(self, token: str, at: datetime) -> str:
        """The operator's id (`sub`). Raises InputRefused `token-invalid`."""
        validator = jwt.new_validator(
            expected_issuer=self._issuer,
            expected_audience=AUDIENCE,
            ignore_type_header=True,
            fixed_now=at,
            clock_skew=CLOCK_SKEW,
        )
        try:
            verified = self._verify.verify_and_decode(token, validator)
        except TINK_ERRORS:
            raise InputRefused(
                "token-invalid",
                f"the token is no valid JWT of issuer {self._issuer} for audience {AUDIENCE}, or "
                "was out of date when the command was published: log in again",
            ) from None
        subject = str(verified.subject()) if verified.has_subject() else ""
        if not subject or len(subject) > 100:
            raise InputRefused("token-invalid", "the token needs sub, of at most 100 characters")
        return subject


def signed_token(
    keyset: tink.KeysetHandle, issuer: str, subject: str, at: datetime, lifetime: timedelta
) -> str:
    """A token, for development and tests: in production the participant's issuer makes them."""
    raw = jwt.new_raw_jwt(
        issuer=issuer,
        subject=subject,
        audience=AUDIENCE,
        issued_at=at,
        expiration=at + lifetime,
    )
    return str(keyset.primitive(jwt.JwtPublicKeySign).sign_and_encode(raw))
