"""The extensions, made once and bound to an app in `create_app`; and how the database's session is used by all."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any, TypeVar

from flask_compress import Compress
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as PrimarySession
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Engine,
    Enum,
    LargeBinary,
    MetaData,
    Text,
    UpdateBase,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase

T = TypeVar("T")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        int: BigInteger,
        str: Text,
        bytes: LargeBinary,
        dict[str, Any]: JSONB,
        list[list[str]]: JSONB,
        enum.Enum: Enum(enum.Enum, native_enum=False, length=32),
    }


READS_FROM = "reads from"


class Session(PrimarySession):
    """Reads from the engine that its `info` names, where it names one. What is written goes to the primary."""

    def get_bind(
        self, mapper: Any = None, clause: Any = None, bind: Engine | Connection | None = None, **more: Any
    ) -> Engine | Connection:
        chosen: Engine | None = self.info.get(READS_FROM)
        if chosen is None or bind is not None or self._flushing or isinstance(clause, UpdateBase):
            return super().get_bind(mapper, clause, bind, **more)
        return chosen


db = SQLAlchemy(metadata=Base.metadata, session_options={"class_": Session})
migrate = Migrate()
login_manager = LoginManager()
csrf = CSRFProtect()
compress = Compress()


def locked(kind: type[T], key: int) -> T:
    """The row, fresh and locked until the transaction ends. Others may still refer to it: no key ever changes."""
    return db.session.get_one(kind, key, populate_existing=True, with_for_update={"of": kind, "key_share": True})


STAND_STILL_S = 5


def must_not_stand_still(**besides: str) -> None:
    """The transaction has in hand what others wait for: the database ends it where nothing is done in it for seconds.

    Then we stand still, as in a machine that was paused. What came of it is not kept, and is soon done by another.

    And it finds rows by their keys only. The statistics of a table that grew fast may still say that it is small, and
    that it is as well read from end to end; plans that were made then stay, of foreign keys too.

    `besides`: what is to be settled with it.
    """
    session = db.session()
    if session.info.get(_TOLD) is None or session.info[_TOLD] is not session.get_transaction():
        still = f"{STAND_STILL_S}s"
        settle(idle_in_transaction_session_timeout=still, enable_seqscan="off", **besides)
        session.info[_TOLD] = session.get_transaction()
    elif besides:
        settle(**besides)


# In the session's `info`: the transaction of which the database knows it.
_TOLD = "must not stand still"


def settle(**settings: str) -> None:
    """Settings of the database, until the transaction ends."""
    each = (f"set_config('{name}', :{name}, true)" for name in settings)
    db.session.execute(text(f"SELECT {', '.join(each)}"), settings)


def let_go(error: BaseException | None) -> None:
    """Behind a request or a job: what was to be kept is committed, so that nobody suffers from a connection that has
    died since.
    """
    try:
        db.session.rollback()
    except SQLAlchemyError:
        db.session().invalidate()
