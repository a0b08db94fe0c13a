"""The shop's own endpoint: where each order change is sent to, and how far along the feed it has been."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import ForeignKey, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..clock import utcnow
from ..extensions import Base, db
from ..orders.feed import Feed, OrderEvent
from ..shops.accounts import Shop
from ..shops.acts import Activity
from ..shops.sealing import Unreadable, seal, unseal
from .deliveries import Delivery

SPREAD = 500  # events taken from the feed at once
PATIENCE, REST_S, LONGEST_REST_S = 5, 10, 60


class Endpoint(Base):
    """One a shop. `position`: up to there the feed's events have deliveries.

    The address is sealed, for it may hold a key of the shop's.
    `failures`: how often in a row nothing arrived. From a few on it is asked now and then by one delivery only, until
    one arrives: what waits for it is kept, and neither side is worn down.
    """

    __tablename__ = "endpoints"

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), unique=True)
    url_sealed: Mapped[bytes]
    enabled: Mapped[bool] = mapped_column(default=True)
    disabled_at: Mapped[datetime | None]
    position: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    rests_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    shop: Mapped[Shop] = relationship()

    @classmethod
    def of(cls, shop_id: int) -> Endpoint | None:
        return db.session.scalar(select(cls).where(cls.shop_id == shop_id))

    @classmethod
    def add(cls, shop_id: int, url: str) -> Endpoint:
        """It hears of what happens from now on."""
        endpoint = cls(shop_id=shop_id, position=Feed.follow(shop_id, True), enabled=True)
        endpoint.url = url
        db.session.add(endpoint)
        return endpoint

    @classmethod
    def switch_off_all(cls, why: str) -> list[Endpoint]:
        """Those that were on; why stands in each shop's activity."""
        found = list(db.session.scalars(select(cls).where(cls.enabled).order_by(cls.id).with_for_update()))
        for endpoint in found:
            endpoint.disable()
            Activity.record("settings", None, shop_id=endpoint.shop_id, what=f"shop endpoint: switched off, {why}")
        return found

    def disable(self) -> None:
        self.enabled, self.disabled_at = False, utcnow()
        Feed.follow(self.shop_id, False)

    def enable(self) -> None:
        """It goes on where it stopped: what happened meanwhile is sent now, and what waited has all its time again."""
        if not self.enabled:
            Delivery.begin_anew(self.id, utcnow())
        self.enabled, self.disabled_at = True, None
        self.take_heart()
        Feed.follow(self.shop_id, True)

    def take_heart(self) -> None:
        """Asked at once again, by all that waits for it."""
        self.failures, self.rests_until = 0, None
        Delivery.hurry(self.id, utcnow())

    @classmethod
    def is_well(cls, id_: int) -> None:
        """Something arrived. Nothing is locked nor written where it was well before.

        What waits is hurried only where the endpoint had rested: else one order that it does not take would be told
        again with each other that it takes.
        """
        failing = select(cls).where(cls.id == id_, cls.failures > 0).with_for_update()
        endpoint = db.session.scalar(failing.execution_options(populate_existing=True))
        if endpoint is None:
            return
        if endpoint.failures >= PATIENCE:
            endpoint.take_heart()
        endpoint.failures = 0

    def failed(self, now: datetime) -> None:
        """Nothing arrived. From a few times in a row on it rests for a while."""
        if self.rests_until is not None and self.rests_until > now:
            return  # it was asked before it began to rest
        self.failures += 1
        if self.failures >= PATIENCE:
            rest = min(REST_S * 2.0 ** (self.failures - PATIENCE), LONGEST_REST_S)
            self.rests_until = now + timedelta(seconds=rest)

    @property
    def place(self) -> str:
        """What the address is sealed for."""
        return f"endpoint of shop {self.shop_id}"

    @property
    def url(self) -> str | None:
        """The address; None where it can't be decrypted any more."""
        try:
            return str(unseal(self.url_sealed, self.place))
        except Unreadable:
            return None

    @url.setter
    def url(self, url: str) -> None:
        self.url_sealed = seal(url, self.place)

    @property
    def host(self) -> str:
        """What everybody may see of the address."""
        return urlsplit(self.url or "").netloc

    @property
    def at_once(self) -> int | None:
        """How many deliveries it may be asked by at a time; None: as many as there is room for."""
        return 1 if self.failures >= PATIENCE else None

    @classmethod
    def awake(cls, now: datetime) -> list[Endpoint]:
        """Those that something is due for and that may be asked now, in no order, so that none always comes last."""
        rested = or_(cls.rests_until.is_(None), cls.rests_until <= now)
        something = select(Delivery.id).where(Delivery.endpoint_id == cls.id, Delivery.due(now)).exists()
        return list(db.session.scalars(select(cls).where(cls.enabled, rested, something).order_by(func.random())))

    @classmethod
    def any_behind(cls) -> bool:
        """Some feed has gone on."""
        behind = select(cls.id).join(Feed, Feed.shop_id == cls.shop_id).where(cls.enabled, Feed.position > cls.position)
        return db.session.scalar(select(behind.exists())) is True

    @classmethod
    def behind(cls) -> list[Endpoint]:
        """Those whose feed has gone on, locked until the transaction ends; others skip them."""
        return list(
            db.session.scalars(
                select(cls)
                .join(Feed, Feed.shop_id == cls.shop_id)
                .where(cls.enabled, Feed.position > cls.position)
                .order_by(cls.id)
                .with_for_update(of=cls, skip_locked=True)
                .execution_options(populate_existing=True)
            )
        )

    def catch_up(self) -> int:
        """A delivery for each of the next events of the feed. How many."""
        events = OrderEvent.after(self.shop_id, self.position, SPREAD)
        if events:
            now = utcnow()
            rows = [
                {
                    "endpoint_id": self.id,
                    "event_id": event.id,
                    "order_id": event.order_id,
                    "position": event.position,
                    "made_at": now,
                    "begun_at": now,
                    "next_try_at": now,
                }
                for event in events
            ]
            db.session.execute(insert(Delivery).on_conflict_do_nothing(), rows)
            self.position = events[-1].position
        return len(events)
