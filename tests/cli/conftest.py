from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask

from shopcallbacks.extensions import db

Run = Callable[..., Result]


@pytest.fixture
def flask(app: Flask) -> Run:
    def run(*words: object, code: int = 0, **env: str) -> Result:
        db.session.commit()
        result = app.test_cli_runner().invoke(args=[str(word) for word in words], env=env)
        db.session.expire_all()
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run
