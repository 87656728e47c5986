"""Shared by all tests: one catalogue per process, and a cache folder of their own."""

import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from breakeven.catalogue.load import Catalogue, load_catalogue

settings.register_profile(
    "breakeven", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("breakeven")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright keeps an event loop running, in which other tests cannot run their own."""
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def _own_cache() -> Iterator[None]:
    """Tests neither read nor write the cache of the person who runs them."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("BREAKEVEN_CACHE")
        os.environ["BREAKEVEN_CACHE"] = folder
        yield
        if before is None:
            del os.environ["BREAKEVEN_CACHE"]
        else:
            os.environ["BREAKEVEN_CACHE"] = before


@pytest.fixture(scope="session")
def catalogue(_own_cache: None) -> Catalogue:
    return load_catalogue()
