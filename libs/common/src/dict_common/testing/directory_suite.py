"""The exam that every Directory passes: the fake, and the Bridge over gRPC."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from datetime import UTC, datetime
from uuid import UUID, uuid4

from dict_common.kernel.errors import DictError
from dict_common.ports.directory import (
    Account,
    CallContext,
    ClaimRequest,
    Directory,
    DirectoryClaim,
    DirectoryRefused,
    Person,
)

CLAIMER = "12345678"
KEY = "+5561988880000"


class DirectorySuite(ABC):
    """Subclasses make a directory in which the key stands with another participant."""

    @abstractmethod
    async def directory(self) -> Directory:
        """A directory in which KEY is the donor's, and no claim is open."""

    @abstractmethod
    async def confirm(self, claim_id: UUID) -> None:
        """The donor acknowledges and confirms."""

    async def test_claim_is_opened_with_the_dates_of_dict(self) -> None:
        """OPEN, the donor named, the deadline in the future."""
        claim = await self._opened(await self.directory())
        assert (claim.status, claim.type, claim.key_type) == ("OPEN", "PORTABILITY", "PHONE")
        assert claim.claimer_participant == CLAIMER
        assert claim.donor_participant not in (None, CLAIMER)
        assert claim.resolution_period_end is not None
        assert claim.resolution_period_end > claim.last_modified
        assert claim.completion_period_end is None

    async def test_second_claim_for_a_key_is_refused_without_telling_it(self) -> None:
        """DICT has no idempotency here, and no key may leave in an error."""
        directory = await self.directory()
        await self._opened(directory)
        error = await refusal(self._opened(directory))
        assert (error.reason_code, error.http_status) == ("ClaimAlreadyExistsForKey", 400)
        assert KEY not in str(error)

    async def test_stranger_sees_nothing(self) -> None:
        """Only donor and claimer may read a claim."""
        directory = await self.directory()
        claim = await self._opened(directory)
        same = await directory.get_claim(claim.id, CLAIMER, _call())
        assert same.id == claim.id
        error = await refusal(directory.get_claim(claim.id, "99999999", _call()))
        assert 400 <= error.http_status < 500
        unknown = await refusal(directory.get_claim(uuid4(), CLAIMER, _call()))
        assert unknown.http_status == 404

    async def test_completion_waits_for_the_donor_and_is_idempotent(self) -> None:
        """By its RequestId."""
        directory = await self.directory()
        claim = await self._opened(directory)
        request_id = uuid4()
        early = await refusal(directory.complete_claim(claim.id, CLAIMER, request_id, _call()))
        assert early.reason_code == "ClaimOperationInvalid"
        await self.confirm(claim.id)
        first = await directory.complete_claim(claim.id, CLAIMER, request_id, _call())
        again = await directory.complete_claim(claim.id, CLAIMER, request_id, _call())
        assert first.status == again.status == "COMPLETED"
        assert first.entry_creation_date is not None
        assert first.key_ownership_date is not None

    async def _opened(self, directory: Directory) -> DirectoryClaim:
        return await directory.create_claim(request_of_suite(), _call())


async def refusal(call: Awaitable[object]) -> DirectoryRefused:
    """The refusal that a call must end in."""
    try:
        await call
    except DirectoryRefused as error:
        return error
    except DictError as error:
        raise AssertionError(f"refused in another way: {error!r}") from error
    raise AssertionError("not refused")


def _call() -> CallContext:
    return CallContext(f"claim-{uuid4()}:Test:1", correlation_id="c")


def request_of_suite() -> ClaimRequest:
    """A portability of KEY."""
    return ClaimRequest(
        type="PORTABILITY",
        key_type="PHONE",
        key=KEY,
        account=Account(CLAIMER, "0001", "0007654321", "CACC", datetime(2020, 1, 1, tzinfo=UTC)),
        claimer=Person("NATURAL_PERSON", "11122233300", "João Silva", None),
    )
