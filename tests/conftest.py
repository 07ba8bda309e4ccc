"""What every test may use, and how a run is ordered: tests without the stack come first.

A test that takes the fixture `stack` gets real servers. They are started in the background as
soon as collection shows that such a test is chosen, and are up when its turn comes.
"""

import os

import pytest
from hypothesis import settings

from devstack.stack import Stack
from devstack.suite import uninterrupted
from tests.support.stack import SharedStack

_SHARED = pytest.StashKey[SharedStack]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--keep-stack`: leave the servers running for the next run."""
    parser.addoption(
        "--keep-stack",
        action="store_true",
        help="leave the tests' servers running, so that the next run starts at once",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Makes the shared stack's handle; nothing is started yet."""
    # Two busy cores are normal: how long an example takes says nothing about the code. The rest is
    # as Hypothesis has it, which is another thing with CI=true.
    settings.register_profile("busy", settings(), deadline=None)
    settings.load_profile("busy")
    config.stash[_SHARED] = SharedStack(keep=bool(config.getoption("--keep-stack")))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Moves tests that need the stack behind all others, their order kept."""
    items.sort(key=_needs_stack)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Starts the servers when a chosen test needs them."""
    if session.config.option.collectonly or session.shouldstop or session.shouldfail:
        return
    if any(_needs_stack(item) for item in session.items):
        session.config.stash[_SHARED].begin()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under CI a skipped test is a failed run: what was not run was not shown to work."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    skipped = len(reporter.stats.get("skipped", ()))
    if skipped and os.environ.get("CI") == "true" and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{skipped} skipped: under CI that fails the run", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the servers, also after Ctrl-C, and however often it is pressed."""
    with uninterrupted():
        config.stash[_SHARED].end()


@pytest.fixture(scope="session")
def stack(pytestconfig: pytest.Config) -> Stack:
    """Real Pulsar, Temporal, PostgreSQL and Redis. `stack.environment()` says where they are."""
    return pytestconfig.stash[_SHARED].get()


def _needs_stack(item: pytest.Item) -> bool:
    return "stack" in getattr(item, "fixturenames", ())
