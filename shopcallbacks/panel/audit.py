"""The audit: Activity narrowed down, page by page and as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, and_, case, false, func, literal, or_, select, union_all
from sqlalchemy.orm import joinedload

from ..domain.values import read_id
from ..extensions import db
from ..orders.order import Order
from ..shops.accounts import Shop
from ..shops.acts import FAILED_LOG_IN, OWN_LOG_IN, Activity
from ..shops.users import Membership, User
from ..words.acts import ACTS
from .days import read_day, span
from .download import table
from .download.table import Table

COMMAND_LINE = "cli"


@dataclass(frozen=True)
class Acts:
    """Which acts a list shows. `who`: a user's id, or "cli". `problems`: what could not be used and was left out."""

    who: str = ""
    verb: str = ""
    since: date | None = None
    until: date | None = None
    callback: int | None = None
    order: str = ""
    problems: tuple[str, ...] = ()

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]]) -> Acts:
        """From names and values as they stand in an address. Never raises."""
        given = {name: value.strip() for name, value in pairs if value.strip()}
        problems: list[str] = []
        callback, who = given.get("callback", ""), given.get("who", "")
        for what, value in (("callback", callback), ("person", "" if who == COMMAND_LINE else who)):
            if value and read_id(value) is None:
                problems.append(f"There is no {what} “{value[:40]}”. It was left out.")
        days = {}
        for name in ("from", "to"):
            try:
                days[name] = read_day(given[name]) if name in given else None
            except ValueError as error:
                problems.append(f"{error} It was left out.")
        return cls(
            who=who if who == COMMAND_LINE or read_id(who) is not None else "",
            verb=given.get("verb", "")[:40],
            since=days.get("from"),
            until=days.get("to"),
            callback=read_id(callback),
            order=given.get("order", "")[:200].replace("\x00", ""),
            problems=tuple(problems),
        )

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Its own part of an address."""
        names = {"since": "from", "until": "to"}
        values = [(names.get(part.name, part.name), getattr(self, part.name)) for part in fields(self)]
        return [(name, str(value)) for name, value in values if value and name != "problems"]

    @property
    def query(self) -> str:
        return urlencode(self.pairs)

    def page(self, shop: Shop, owner: bool, before: int | None, limit: int) -> list[Activity]:
        """Newest first; `before` an id to go on from. Each half of them reads one index backwards."""
        where = self._where(shop)
        if before is not None:
            where.append(Activity.id < before)
        halves = [
            select(Activity.id).where(half, *where).order_by(Activity.id.desc()).limit(limit)
            for half in _halves(shop, owner)
        ]
        ids = union_all(*(half.subquery().select() for half in halves)).subquery()
        wanted = select(Activity).where(Activity.id.in_(select(ids.c.id))).options(joinedload(Activity.user))
        return list(db.session.scalars(wanted.order_by(Activity.id.desc()).limit(limit)))

    def table(self, shop: Shop, owner: bool) -> Table:
        """All of them, newest first."""
        nobody = case((Activity.verb == FAILED_LOG_IN, literal("somebody unknown")), else_=literal("the command line"))
        columns = {
            "id": table.number(Activity.id),
            "at": table.time(Activity.at),
            "who": table.text(func.coalesce(User.name, nobody)),
            "e-mail": table.text(User.email),
            "did": table.words(Activity.verb, ACTS),
            "verb": table.code(Activity.verb),
            "why": table.text(Activity.why),
            "about": table.text(Activity.what),
            "callback id": table.number(Activity.callback_id),
            "order number": table.number_of(Order.number),
        }
        rows = (
            select(Activity)
            .outerjoin(Activity.user)
            .outerjoin(Order, Order.id == Activity.order_id)
            .where(or_(*_halves(shop, owner)), *self._where(shop))
            .order_by(Activity.id.desc())
        )
        return Table("activity", shop.time_zone, columns, rows)

    def _where(self, shop: Shop) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        since, before = span(self.since, self.until, shop.time_zone)
        if self.who == COMMAND_LINE:
            found += [Activity.user_id.is_(None), Activity.verb != FAILED_LOG_IN]
        elif self.who:
            found.append(Activity.user_id == int(self.who))
        if self.verb:
            found.append(Activity.verb == self.verb)
        if since:
            found.append(Activity.at >= since)
        if before:
            found.append(Activity.at < before)
        if self.callback is not None:
            found.append(Activity.callback_id == self.callback)
        if self.order:
            order = db.session.scalar(select(Order.id).where(Order.shop_id == shop.id, Order.number == self.order))
            found.append(Activity.order_id == order if order is not None else false())
        return found


def _halves(shop: Shop, owner: bool) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """What was done in the shop; and how those who see it logged in. What else was done in no shop, strangers and the
    command line are for owners.
    """
    members = select(Membership.user_id).where(Membership.shop_id == shop.id)
    owners = select(User.id).where(User.owns)
    known = or_(Activity.user_id.in_(members), Activity.user_id.in_(owners))
    seen = or_(known, Activity.user_id.is_(None)) if owner else and_(known, Activity.verb.in_(OWN_LOG_IN))
    return Activity.shop_id == shop.id, and_(Activity.shop_id.is_(None), seen)
