"""Shapes of personal data: what free text may not hold where it is kept in clear."""

import re

PERSONAL_SHAPES = re.compile(
    r"(?<!\w)(?:\+[1-9]\d{7,14}"  # phone, E.164
    r"|\d{3}\.\d{3}\.\d{3}-\d{2}|\d{11}"  # CPF
    r"|\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}|\d{14})(?!\w)"  # CNPJ
    r"|[\w.!#$'*+/=?^`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"  # e-mail
)


_MANY_DIGITS = re.compile(r"\d(?:[ .()/-]{0,2}\d){9,}")


def looks_personal(text: str) -> bool:
    """Whether something in the text is shaped like a phone, CPF, CNPJ or e-mail, or is a number of
    ten digits or more however it is written: for words that a person types, where a doubt refuses.
    """
    return PERSONAL_SHAPES.search(text) is not None or _MANY_DIGITS.search(text) is not None
