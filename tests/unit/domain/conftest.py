"""The rules hold for contacts at rest too: in these tests all but the last one touched rest."""

from collections.abc import Iterator

import pytest

from firstreply.domain import store


@pytest.fixture(scope="module", autouse=True)
def one_awake() -> Iterator[None]:
    """Let a contact rest as soon as another is asked for; the service keeps thousands awake."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "AWAKE", 1)
        yield
