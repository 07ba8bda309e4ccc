"""A Pix participant, named by its ISPB."""

import re

from dict_common.kernel.errors import InputRefused

_ISPB = re.compile(r"[0-9A-Za-z]{8}")


def ispb(text: str, field: str) -> str:
    """The ISPB as given: eight characters, text since alphanumeric ones exist (DICT 2.12.1).

    Raises InputRefused naming `field`.
    """
    if _ISPB.fullmatch(text) is None:
        raise InputRefused(
            "participant-invalid", f"{field} must be an ISPB: eight letters or digits"
        )
    return text
