"""What every test may ask for: the real servers, and whether golden files are to be rewritten."""

import pytest
from hypothesis import settings

from tests.servers.fixtures import (
    alertmanager_server,
    amtool,
    chromium,
    create_topic,
    fresh_kafka,
    kafka,
    mark_server_tests,
    prometheus_server,
    promtool,
    report_unavailable,
)

__all__ = [
    "alertmanager_server",
    "amtool",
    "chromium",
    "create_topic",
    "fresh_kafka",
    "kafka",
    "prometheus_server",
    "promtool",
]

# A limit on the time of an example says how busy the machine is, not whether the law holds.
settings.register_profile("firstreply", deadline=None)
settings.load_profile("firstreply")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one flag that rewrites golden files and generated pages."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write golden files and generated pages anew instead of comparing with them",
    )


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written anew instead of compared with."""
    return bool(request.config.getoption("--update-golden"))


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a server."""
    mark_server_tests(items)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say at the end what could not be had."""
    report_unavailable(terminalreporter, config)
