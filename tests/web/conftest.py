"""One served fleet for all tests that only look; a fresh one for those that act."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.web.world import FakeOffice, browsing, fill, make_office, served


@pytest.fixture
def office(tmp_path: Path) -> FakeOffice:
    return make_office(tmp_path)


@pytest.fixture
def filled(office: FakeOffice) -> FakeOffice:
    fill(office)
    return office


@pytest.fixture
def client(office: FakeOffice) -> Iterator[httpx2.Client]:
    with served(office) as base, browsing(base) as found:
        yield found
