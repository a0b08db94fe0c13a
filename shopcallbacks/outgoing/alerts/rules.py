"""Alerts: what a shop wants to hear, where, what it has been told, and the messages on their way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, ForeignKey, Index, and_, exists, or_, select, text, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ...domain.values import Money
from ...extensions import Base, db, locked
from ...shops.accounts import Shop
from ...shops.acts import Activity
from ...shops.sealing import Unreadable, seal, unseal
from ..sending import Sending

LOOK_AGAIN = timedelta(seconds=10)
WEBHOOK = ""  # among the recipients
TAKEN_OUT = "its address was taken out"


class Rule(StrEnum):
    """What can come true of the queue, and stop being so."""

    waiting = "waiting"
    many = "many"
    money = "money"
    old = "old"
    worker = "worker"


class AlertKind(StrEnum):
    """What a message is."""

    waiting = "waiting"
    many = "many"
    money = "money"
    old = "old"
    worker = "worker"
    worker_back = "worker_back"
    clear = "clear"
    silent = "silent"
    heard = "heard"
    flood = "flood"
    disputed = "disputed"
    dispute_due = "dispute_due"
    second = "second"
    digest = "digest"
    handover = "handover"
    older = "older"
    test = "test"


class Style(StrEnum):
    """How a webhook is written: signed with all figures, or as a chat takes it: Slack's {"text": ...}, and others."""

    signed = "signed"
    slack = "slack"
    discord = "discord"
    teams = "teams"


class AlertRules(Base):
    """What the shop wants to hear. None, or nothing, switches a thing off."""

    __tablename__ = "alert_rules"

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), primary_key=True)
    recipients: Mapped[str] = mapped_column(default="")  # one address a line
    webhook_sealed: Mapped[bytes | None]
    webhook_style: Mapped[Style | None]
    waiting: Mapped[bool] = mapped_column(default=True)
    many: Mapped[int | None]
    money_minor: Mapped[int | None]
    money_currency: Mapped[str | None]
    old_minutes: Mapped[int | None]
    silent: Mapped[bool] = mapped_column(default=True, server_default=true())
    floods: Mapped[bool] = mapped_column(default=True, server_default=true())
    disputes: Mapped[bool] = mapped_column(default=True, server_default=true())
    seconds: Mapped[bool] = mapped_column(default=True, server_default=true())
    digest_hours: Mapped[int | None]
    handover_hour: Mapped[int | None]
    # what has been told
    digest_at: Mapped[datetime | None]
    handover_on: Mapped[date | None]
    looked_at: Mapped[datetime | None]
    shop: Mapped[Shop] = relationship()

    @classmethod
    def of(cls, shop_id: int) -> AlertRules:
        """The shop's, locked until the transaction ends; made where there are none yet."""
        db.session.execute(insert(cls).values(shop_id=shop_id, recipients="", waiting=True).on_conflict_do_nothing())
        return locked(cls, shop_id)

    @classmethod
    def read(cls, shop_id: int) -> AlertRules:
        """The shop's, to look at."""
        new = cls(shop_id=shop_id, recipients="", waiting=True, silent=True, floods=True, disputes=True, seconds=True)
        return db.session.get(cls, shop_id) or new

    @classmethod
    def next_to_look_at(cls, now: datetime) -> AlertRules | None:
        """The shop not looked at for longest, locked until the transaction ends; others skip it."""
        looked_long_ago = or_(cls.looked_at.is_(None), cls.looked_at <= now - LOOK_AGAIN)
        reachable = or_(cls.recipients != "", cls.webhook_style.is_not(None))
        return db.session.scalar(
            select(cls)
            .where(looked_long_ago, reachable)
            .order_by(cls.looked_at.nulls_first(), cls.shop_id)
            .limit(1)
            .with_for_update(of=cls, skip_locked=True)
            .execution_options(populate_existing=True)
        )

    @property
    def reach_somebody(self) -> bool:
        return bool(self.everyone)

    @property
    def addresses(self) -> list[str]:
        return self.recipients.split()

    @property
    def everyone(self) -> list[str]:
        """Each a recipient of a message."""
        return [*self.addresses, *([WEBHOOK] if self.webhook_style is not None else [])]

    @property
    def money(self) -> Money | None:
        return Money.known(self.money_minor, self.money_currency)

    @money.setter
    def money(self, value: Money | None) -> None:
        self.money_minor, self.money_currency = (value.minor, value.currency) if value else (None, None)

    @property
    def place(self) -> str:
        """What the webhook's address is sealed for."""
        return f"alert webhook of shop {self.shop_id}"

    @property
    def webhook(self) -> str | None:
        """The address; None where there is none, or where it can't be decrypted any more."""
        try:
            return str(unseal(self.webhook_sealed, self.place)) if self.webhook_sealed else None
        except Unreadable:
            return None

    @webhook.setter
    def webhook(self, url: str | None) -> None:
        self.webhook_sealed = seal(url, self.place) if url else None

    @property
    def webhook_host(self) -> str:
        """What may be shown of the address: the rest of it is often a secret."""
        return urlsplit(self.webhook or "").netloc


class Told(Base):
    """Whether a rule held when it was last looked at, and when the shop was last told that it does."""

    __tablename__ = "alerts_told"

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), primary_key=True)
    rule: Mapped[Rule] = mapped_column(primary_key=True)
    holds: Mapped[bool] = mapped_column(default=False)
    told_at: Mapped[datetime | None]

    @classmethod
    def of(cls, shop_id: int) -> dict[Rule, Told]:
        found = {told.rule: told for told in db.session.scalars(select(cls).where(cls.shop_id == shop_id))}
        for rule in Rule:
            if rule not in found:
                found[rule] = cls(shop_id=shop_id, rule=rule, holds=False)
                db.session.add(found[rule])
        return found


class AccountTold(Base):
    """What the shop was told of one of its gateway accounts."""

    __abstract__ = True

    account_id: Mapped[int] = mapped_column(ForeignKey("gateway_accounts.id"), primary_key=True)

    @classmethod
    def of(cls, account_id: int) -> Self:
        """The account's; nothing was told where there is none yet."""
        found = db.session.get(cls, account_id)
        if found is None:
            found = cls(account_id=account_id)
            db.session.add(found)
            db.session.flush()  # so that what is nothing yet says so
        return found


class SilenceTold(AccountTold):
    """Of which silence of a gateway account the shop was told: `since` the account was last heard. None: it speaks."""

    __tablename__ = "silences_told"

    since: Mapped[datetime | None]


class FloodTold(AccountTold):
    """Whether a flood of callbacks that are not genuine was told that goes on, and when one was told last."""

    __tablename__ = "floods_told"

    holds: Mapped[bool] = mapped_column(default=False)
    told_at: Mapped[datetime | None]


class DisputeTold(Base):
    """An open dispute of which the shop was told. `due_told`: that its answer is due then was told, too."""

    __tablename__ = "disputes_told"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), index=True)
    due_told: Mapped[datetime | None]

    @classmethod
    def of(cls, shop_id: int) -> dict[tuple[int, int], DisputeTold]:
        """By order id and place of the payment."""
        found = db.session.scalars(select(cls).where(cls.shop_id == shop_id))
        return {(told.order_id, told.place): told for told in found}


class SecondTold(Base):
    """A person's word that another one is to force a callback, of which the shop was told."""

    __tablename__ = "seconds_told"

    act_id: Mapped[int] = mapped_column(ForeignKey("activity.id"), primary_key=True)

    @classmethod
    def told(cls) -> ColumnElement[bool]:
        """Of the acts of a statement: that one was told."""
        return exists().where(cls.act_id == Activity.id)


class AlertMessage(Sending, Base):
    """One message to one address (`recipient`, or the shop's webhook), which hears them one after the other."""

    KEEP_TRYING: ClassVar[timedelta] = timedelta(hours=12)

    __tablename__ = "alert_messages"
    __table_args__ = (
        Index("ix_alert_messages_due", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
        Index("ix_alert_messages_shop", "shop_id", "id"),
    )

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    kind: Mapped[AlertKind]
    recipient: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    figures: Mapped[dict[str, Any]]

    @property
    def name(self) -> str:
        return f"alert_{self.id}"

    @classmethod
    def lease(cls, limit: int, now: datetime, seconds: float) -> list[AlertMessage]:
        """The next ones, ours for that long. None whose address has an earlier one of the shop still to come."""
        found = list(
            db.session.scalars(
                select(cls)
                .where(cls.its_turn(now, cls.shop_id, cls.recipient, by=cls.id))
                .order_by(cls.next_try_at, cls.id)
                .limit(limit)
                .with_for_update(of=cls, skip_locked=True)
                .execution_options(populate_existing=True)
            )
        )
        cls.keep_lease([message.id for message in found], seconds)
        return found

    @classmethod
    def give_up_all_but(cls, rules: AlertRules, now: datetime) -> None:
        """What waits for an address that the rules do not name (any more) is sent no more."""
        taken_out = and_(cls.shop_id == rules.shop_id, cls.recipient.not_in(rules.everyone))
        db.session.execute(
            update(cls)
            .where(taken_out, cls.next_try_at.is_not(None))
            .values(given_up_at=now, next_try_at=None, answer=TAKEN_OUT),
            execution_options={"synchronize_session": False},
        )

    @classmethod
    def hurry(cls, shop_id: int, now: datetime) -> None:
        """What waits for its next try is tried before what is new, which else would wait for its back-off."""
        db.session.execute(
            update(cls)
            .where(cls.shop_id == shop_id, cls.next_try_at > now, cls.leased_until.is_(None))
            .values(next_try_at=now, tries=0),
            execution_options={"synchronize_session": False},
        )

    @classmethod
    def latest(cls, shop_id: int, limit: int) -> Sequence[AlertMessage]:
        return db.session.scalars(select(cls).where(cls.shop_id == shop_id).order_by(cls.id.desc()).limit(limit)).all()
