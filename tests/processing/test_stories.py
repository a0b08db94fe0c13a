"""Every story file comes out over the real database, by the code that production runs. `--stories DIR` for others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from redis import Redis as RedisClient

from dev.services import Postgres
from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS

from ..conftest import empty
from ..domain.money.stories import OWN, Story, play, stories
from .saying import DatabaseShell, Saying


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    told = list(stories(metafunc.config.getoption("--stories") or [OWN]))
    metafunc.parametrize("story", told, ids=[story.name for story in told])


@pytest.fixture(scope="module")
def database(bare_app: Flask, postgres_server: Postgres, redis_client: RedisClient) -> Iterator[None]:
    """One for all stories: each is told of a shop of its own."""
    empty(bare_app, postgres_server, redis_client)
    with pytest.MonkeyPatch.context() as patch, bare_app.app_context():
        patch.setitem(GATEWAYS, "saying", Saying())
        yield
        db.session.rollback()


def test_the_story_comes_out_over_the_database(database: None, story: Story) -> None:
    play(DatabaseShell(story.settings), story)
