"""What can go wrong with a ciphertext."""

import tink

from dict_common.kernel.errors import DictError, Undeliverable

TINK_ERRORS = (tink.TinkError, RuntimeError)
"""What Tink raises. Both clients are built on pybind11, and where Pulsar's is loaded after Tink's,
its translation of C++ exceptions comes first: a wrong ciphertext is then a bare RuntimeError."""


class CiphertextInvalid(Undeliverable):
    """Sealed for another key or another field, or damaged."""

    def __init__(self, context: str) -> None:
        super().__init__(
            "ciphertext-invalid",
            f"{context} does not open: seal it to our current public keyset (command-public.json), "
            f"with the context {context}",
        )


class SubjectErased(DictError):
    """The subject's key was destroyed: nothing about it can be sealed or opened any more."""

    def __init__(self) -> None:
        super().__init__("subject-erased", "the data key of this subject was destroyed")
