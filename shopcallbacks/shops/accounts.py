"""Shops, their gateway accounts, and the accounts' encrypted secrets."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from flask import current_app
from sqlalchemy import ForeignKey, UniqueConstraint, false, select, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..clock import utcnow
from ..domain.money import Settings as Rules
from ..domain.number_patterns import NumberPattern
from ..domain.numbers import number_key
from ..domain.values import Message, Money, Outcome, Request
from ..extensions import Base, db
from ..gateways import GATEWAYS
from ..gateways.base import Gateway, Kind, Setting
from ..gateways.gone import Gone
from ..gateways.kit.errors import ReadError
from ..gateways.kit.own_field import OwnField
from ..gateways.settings import BadSettings, check, check_one, complete
from ..words.masking import mask
from .order_rules import Meeting, OrderRules
from .secrets import Secret

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


def is_slug(text: str) -> bool:
    """Whether it can be part of an address."""
    return len(text) <= 60 and _SLUG.fullmatch(text) is not None


def new_token() -> str:
    """What makes the address of an account one that nobody guesses."""
    return secrets.token_urlsafe(24)


def _check_slug(slug: str) -> str:
    if not is_slug(slug):
        raise ValueError(f"{slug!r} can't be part of an address: use small letters, digits and single hyphens.")
    return slug


class Mode(StrEnum):
    """Whether an account takes real money, or only test payments of the gateway's."""

    live = "live"
    test = "test"


class Shop(Base):
    """A tenant: whose orders are paid. `time_zone` (IANA) is the clock its people read.

    What it says of all its orders: `refusal_cancels_after` (seconds), `payment_reopens`, `parts`, as
    `domain.money.Settings` has them; above `accept_limit` only an admin may accept another sum or currency;
    above `force_limit` it takes two people to force. `order_page`: where people see an order in its own back office.
    `needs_second_factor`: nobody looks at it without one.
    """

    __tablename__ = "shops"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    time_zone: Mapped[str] = mapped_column(default="UTC")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    refusal_cancels_after: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    payment_reopens: Mapped[bool] = mapped_column(default=True, server_default=true())
    parts: Mapped[bool] = mapped_column(default=False, server_default=false())
    accept_limit_minor: Mapped[int | None]
    accept_limit_currency: Mapped[str | None]
    needs_second_factor: Mapped[bool] = mapped_column(default=False, server_default=false())
    force_limit_minor: Mapped[int | None]
    force_limit_currency: Mapped[str | None]
    order_page: Mapped[str] = mapped_column(default="", server_default="")
    accounts: Mapped[list[GatewayAccount]] = relationship(back_populates="shop", order_by="GatewayAccount.id")

    @classmethod
    def add(cls, slug: str, name: str, time_zone: str = "UTC") -> Shop:
        """A new shop; `ValueError` with a sentence where the slug is bad or taken."""
        if cls.by_slug(_check_slug(slug)) is not None:
            raise ValueError(f"There is a shop {slug} already.")
        shop = cls(slug=slug, name=name, time_zone=time_zone)
        db.session.add(shop)
        return shop

    @property
    def rules(self) -> Rules:
        """For the rules of money."""
        return Rules(self.refusal_cancels_after, self.payment_reopens, self.parts)

    @property
    def accept_limit(self) -> Money | None:
        return Money.known(self.accept_limit_minor, self.accept_limit_currency)

    @property
    def force_limit(self) -> Money | None:
        return Money.known(self.force_limit_minor, self.force_limit_currency)

    @property
    def order_rules(self) -> OrderRules:
        """All that it says of its orders."""
        return OrderRules(
            self.refusal_cancels_after,
            self.payment_reopens,
            self.parts,
            self.accept_limit,
            self.force_limit,
            self.order_page,
        )

    @order_rules.setter
    def order_rules(self, rules: OrderRules) -> None:
        self.refusal_cancels_after = rules.refusal_cancels_after
        self.payment_reopens, self.parts = rules.payment_reopens, rules.parts
        self.accept_limit_minor, self.accept_limit_currency = _columns(rules.accept_limit)
        self.force_limit_minor, self.force_limit_currency = _columns(rules.force_limit)
        self.order_page = rules.order_page

    def page_of_order(self, number: str) -> str | None:
        """The order's page in the shop's own back office; None where the shop did not say where that is."""
        return self.order_page.replace("{number}", quote(number, safe="")) or None

    @classmethod
    def by_slug(cls, slug: str) -> Shop | None:
        return db.session.scalar(select(cls).where(cls.slug == slug))

    @classmethod
    def every(cls) -> list[Shop]:
        return list(db.session.scalars(select(cls).order_by(cls.name, cls.id)))

    def check_free(self, slug: str) -> None:
        """`ValueError` with a sentence where no new gateway account can be called that."""
        if self.account(_check_slug(slug)) is not None:
            raise ValueError(f"{self.name} has a gateway account {slug} already.")

    def free_slug(self, gateway_name: str) -> str:
        """What to call a new account of that gateway."""
        slug, taken = gateway_name.replace("_", "-"), {account.slug for account in self.accounts}
        others = (f"{slug}-{count}" for count in itertools.count(2))
        return next(one for one in itertools.chain([slug], others) if one not in taken)

    def callback_path(self, slug: str, token: str) -> str:
        """Where the gateway account calls that has, or is to have, this slug and token."""
        return f"/callbacks/{self.slug}/{slug}/{token}"

    def callback_url(self, slug: str, token: str) -> str:
        return str(current_app.config["PUBLIC_URL"]) + self.callback_path(slug, token)

    def account(self, slug: str) -> GatewayAccount | None:
        return db.session.scalar(
            select(GatewayAccount).where(GatewayAccount.shop_id == self.id, GatewayAccount.slug == slug)
        )


def _columns(money: Money | None) -> tuple[int, str] | tuple[None, None]:
    return (money.minor, money.currency) if money else (None, None)


@dataclass(frozen=True)
class Reading:
    """How an account's messages meet the shop's orders, beside what its gateway's file reads.

    `numbers`: how order numbers come back; `ours`: what says that a callback is this shop's; `nameless_aside`: what
    names neither order nor payment is set aside.
    """

    numbers: NumberPattern | None = None
    ours: OwnField | None = None
    nameless_aside: bool = False

    def read(self, message: Message, request: Request) -> Message:
        """The message with its order's number as the shop has it; `ignored`, with its reason, where it is set aside."""
        if (why := self._not_ours(request)) is not None:
            return replace(message, outcome=Outcome.ignored, detail=why)
        number = number_key(message.order_number) if message.order_number else None
        if number and self.numbers is not None:
            number = self.numbers.take(number) or number
        if self.nameless_aside and not number and message.transaction_id is None and message.outcome in _NAME_ORDERS:
            return replace(message, outcome=Outcome.ignored, detail="It names no order, and is set aside.")
        return replace(message, order_number=number or None) if number != message.order_number else message

    def _not_ours(self, request: Request) -> str | None:
        """Where the request can't be read nobody knows; the gateway's own reading says what is wrong with it."""
        try:
            return self.ours.not_ours(request) if self.ours is not None else None
        except ReadError:
            return None


_NAME_ORDERS = frozenset(Outcome) - {Outcome.ignored, Outcome.unclear}


def _of_mode(setting: Setting, kept: Any, test: bool) -> Any:
    if setting.kind is not Kind.secrets or not kept:
        return kept
    return [value for value in kept if not setting.other_mode(value, test)] or kept


class GatewayAccount(Base):
    """One shop's set-up of a gateway. `asks`: its callbacks may need an answer from the gateway's own hosts.

    How its messages meet orders: `number_pattern`, how order numbers come back; `ours_field`, `ours_value`, what says
    that a callback is this shop's; `sets_nameless_aside`, what names no order is ignored; `try_lives_s`, for how many
    seconds a try lives without a word (None: for ever); `tolerance_minor`, so small a difference is accepted.
    `braked_until`: until then its callbacks, many and not genuine, are answered at a slower pace.
    """

    __tablename__ = "gateway_accounts"
    __table_args__ = (UniqueConstraint("shop_id", "slug"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    gateway_name: Mapped[str]
    slug: Mapped[str]
    title: Mapped[str]
    mode: Mapped[Mode] = mapped_column(default=Mode.live)
    token: Mapped[str] = mapped_column(unique=True, default=new_token)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    asks: Mapped[bool] = mapped_column(default=False)
    enabled: Mapped[bool] = mapped_column(default=True)
    disabled_at: Mapped[datetime | None]
    live_since: Mapped[datetime | None]
    number_pattern: Mapped[str | None]
    ours_field: Mapped[str | None]
    ours_value: Mapped[str | None]
    sets_nameless_aside: Mapped[bool] = mapped_column(default=False, server_default=false())
    try_lives_s: Mapped[int | None]
    tolerance_minor: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    braked_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    shop: Mapped[Shop] = relationship(back_populates="accounts")
    secrets: Mapped[list[Secret]] = relationship(order_by=Secret.id.desc())

    @classmethod
    def add(
        cls, shop: Shop, gateway_name: str, slug: str, given: dict[str, Any], mode: Mode = Mode.live, title: str = ""
    ) -> GatewayAccount:
        """A new account; `BadSettings` or `ValueError` with sentences where something does not fit."""
        gateway = GATEWAYS.get(gateway_name)
        if gateway is None:
            raise ValueError(f"There is no gateway {gateway_name!r}. There are: {', '.join(sorted(GATEWAYS))}.")
        if shop.id is not None:
            shop.check_free(slug)
        account = cls(shop=shop, gateway_name=gateway_name, slug=slug, title=title or gateway.title, mode=mode)
        account.configure(given)
        db.session.add(account)
        return account

    def configure(self, given: dict[str, Any]) -> None:
        """Takes the settings; secrets among them are added, those the account has stay, but for keys of the other mode
        where one of this mode takes their place. `BadSettings` if any is bad.
        """
        settings = check(self.gateway, self.with_secrets(given, self.is_test), self.is_test)
        secret_keys = {setting.key for setting in self.gateway.settings if setting.is_secret}
        self.settings = {key: value for key, value in settings.items() if key not in secret_keys}
        for setting in self.gateway.settings:
            if setting.is_secret and given.get(setting.key):
                self._end_those_of_other_mode(setting)
                self._keep(setting, given[setting.key])
        self._see_who_asks()

    def _end_those_of_other_mode(self, setting: Setting) -> None:
        if setting.live_keys or setting.test_keys:
            for secret in self.secrets_of(setting):
                if secret.in_use and setting.other_mode(secret.value, self.is_test):
                    secret.end(utcnow())

    def add_secrets(self, setting: Setting, values: Any, former_end: datetime | None) -> None:
        """New ones beside those in use, which end then, or go on where None. Of a single `secret` one is in use."""
        check_one(setting, values, self.is_test)
        now = utcnow()
        for secret in self.secrets_of(setting):
            end = now if setting.kind is Kind.secret else former_end
            if end is not None and secret.in_use and (secret.ends_at is None or secret.ends_at > end):
                secret.end(end)
        self._keep(setting, values)
        self._see_who_asks()

    @property
    def braked(self) -> bool:
        """Just now."""
        return self.braked_until is not None and self.braked_until > utcnow()

    @property
    def secrets_asked_anew(self) -> list[Setting]:
        """Those that going live needs: what the gateway needs, and what is in use."""
        secret = [setting for setting in self.gateway.settings if setting.is_secret]
        return [one for one in secret if one.required or any(kept.in_use for kept in self.secrets_of(one))]

    def go_live(self, given: dict[str, Any]) -> None:
        """From test to live, with these settings; secrets of the test mode end now. What came until now stays a test.

        `BadSettings` where a secret is missing or a setting does not fit.
        """
        problems: dict[str, str] = {}
        for setting in self.secrets_asked_anew:
            try:
                check_one(setting, given.get(setting.key), test=False)
            except BadSettings as error:
                problems |= error.problems
        if problems:
            raise BadSettings(problems)
        check(self.gateway, given, test=False)
        self.mode, self.live_since = Mode.live, utcnow()
        for secret in self.secrets:
            if secret.in_use:
                secret.end(self.live_since)
        self.configure(given)

    def go_test(self) -> None:
        self.mode, self.live_since = Mode.test, None

    def tests_at(self, arrived_at: datetime) -> bool:
        """Whether a callback of that time is a test where it does not say so itself."""
        return self.mode is Mode.test or (self.live_since is not None and arrived_at < self.live_since)

    def left_behind(self, secret: Secret) -> bool:
        """Whether it was a secret of the test mode only, which nobody puts back on a live account."""
        return self.live_since is not None and secret.ends_at is not None and secret.ends_at <= self.live_since

    def end_secret(self, secret: Secret, at: datetime | None) -> None:
        secret.end(at)
        self._see_who_asks()

    def _keep(self, setting: Setting, values: Any) -> None:
        """The first of several is the newest, so the first to be tried."""
        if self.id is None:  # they are sealed for this account
            db.session.add(self)
            db.session.flush()
        for item in reversed(values) if setting.kind is Kind.secrets else [values]:
            secret = Secret(account_id=self.id, key=setting.key, starts_at=utcnow())
            secret.value = item
            self.secrets.insert(0, secret)

    def _see_who_asks(self) -> None:
        self.asks = self.gateway.asks(self.settings_at(utcnow())[0])

    def secrets_of(self, setting: Setting) -> list[Secret]:
        """All there ever were of the setting, newest first."""
        return [secret for secret in self.secrets if secret.key == setting.key]

    def with_secrets(self, given: dict[str, Any], test: bool) -> dict[str, Any]:
        """The given settings, with the account's own secrets standing in where none is given: those that fit test or
        live mode, if there are any.
        """
        kept = self.settings_at(utcnow())[0]
        own = {s.key: _of_mode(s, kept[s.key], test) for s in self.gateway.settings if s.is_secret}
        return {**{key: value for key, value in own.items() if value is not None}, **given}

    @property
    def is_test(self) -> bool:
        return self.mode is Mode.test

    @property
    def gateway(self) -> Gateway:
        return GATEWAYS.get(self.gateway_name) or Gone(self.gateway_name)

    @property
    def meeting(self) -> Meeting:
        """How its messages meet orders."""
        return Meeting(**{field.name: getattr(self, field.name) for field in fields(Meeting)})

    @meeting.setter
    def meeting(self, meeting: Meeting) -> None:
        for name, value in vars(meeting).items():
            setattr(self, name, value)

    @property
    def letters(self) -> str:
        """Its gateway's badge, which no other gateway has; of one that is not there any more, of its title."""
        gateway = GATEWAYS.get(self.gateway_name)
        return gateway.letters if gateway else self.title[:2]

    @property
    def longest_number(self) -> int | None:
        """How many characters an order number may have to come back whole; None where no limit is known."""
        return self.gateway.number_limit(complete(self.gateway, self.settings))

    @property
    def reading(self) -> Reading:
        """How its messages meet the shop's orders."""
        ours = OwnField(self.ours_field, self.ours_value or "") if self.ours_field else None
        numbers = NumberPattern.parse(self.number_pattern) if self.number_pattern else None
        return Reading(numbers, ours, self.sets_nameless_aside)

    def payment_page(self, transaction: str | None, test: bool | None) -> str | None:
        """The payment's page in the gateway's own back office; None where none is known. `test` None: as the
        account's mode. What may be a card number leads nowhere.
        """
        if not transaction or mask(transaction) != transaction:
            return None
        return self.gateway.payment_page(transaction, self.is_test if test is None else test)

    @property
    def callback_path(self) -> str:
        return self.shop.callback_path(self.slug, self.token)

    @property
    def callback_url(self) -> str:
        return self.shop.callback_url(self.slug, self.token)

    def settings_at(self, arrived_at: datetime) -> tuple[dict[str, Any], list[Secret]]:
        """The settings with the secrets that are live for a callback of that time, newest first; and those secrets.

        `SecretUnreadable` where one of them can't be decrypted.
        """
        return self.settings_with([secret for secret in self.secrets if secret.live(arrived_at)])

    def settings_with(self, live: Sequence[Secret]) -> tuple[dict[str, Any], list[Secret]]:
        """The settings with just these secrets; `SecretUnreadable` where one of them can't be decrypted."""
        found: dict[str, Any] = dict(self.settings or {})
        for setting in self.gateway.settings:
            values = [secret.value for secret in live if secret.key == setting.key]
            if setting.kind is Kind.secrets and values:
                found[setting.key] = values
            elif setting.kind is Kind.secret and values:
                found[setting.key] = values[0]
        return complete(self.gateway, found), list(live)

    def lacks_in(self, settings: dict[str, Any]) -> str | None:
        """The label of a needed setting that is missing, so that the account fails closed; None if complete."""
        for setting in self.gateway.settings:
            if setting.required and not settings[setting.key]:
                return setting.label
        return None

    def disable(self) -> None:
        self.enabled, self.disabled_at = False, utcnow()

    def enable(self) -> None:
        self.enabled, self.disabled_at = True, None
