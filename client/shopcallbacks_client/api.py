"""The API, with the same call tried again until it is answered."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx

from .errors import Invalid, NotFound, Refused, ShopcallbacksError, Unauthorized, Unavailable
from .values import Event, Order

PAGE = 500
AGAIN = frozenset({429, 500, 502, 503, 504})
LONGEST_WAIT_S = 30.0
PRINTABLE = "".join(map(chr, range(32, 127)))  # a header takes no other
T = TypeVar("T")
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Client:
    """Safe to share between threads. `timeout`: seconds for one try, of which there are `tries` for each call."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 10.0,
        tries: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout, transport=transport)
        self._tries = tries

    def hand_in(
        self,
        number: str,
        amount: Decimal,
        currency: str,
        *,
        customer_email: str | None = None,
        gateway_account: str | None = None,
        test: bool = False,
        expires_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Order:
        """Hands in a temporary order, before the customer is sent to the gateway. `amount`: in major units;
        `expires_at`: aware. `Invalid` with a sentence for each bad field; `Refused` where it is paid already."""
        order = {
            "number": number,
            "amount": f"{amount:f}",
            "currency": currency,
            "customer_email": customer_email,
            "gateway_account": gateway_account,
            "test": test,
            "expires_at": expires_at.isoformat() if expires_at else None,
        }
        given = {name: value for name, value in order.items() if value is not None}
        return self._post("/api/orders", idempotency_key, given)

    def cancel(self, number: str, *, idempotency_key: str | None = None) -> Order:
        """The shop gives the order up. `Refused` where it is paid."""
        return self._post(f"{_address(number)}/cancel", idempotency_key)

    def order(self, number: str) -> Order:
        return self._call("GET", _address(number), Order.read)

    def events(self, after: str = "0") -> Iterator[Event]:
        """The changes behind that position, in the order they were committed, up to the last there is."""
        while True:
            events, after = self._call("GET", "/api/events", _page, params={"after": after, "limit": PAGE})
            yield from events
            if len(events) < PAGE:
                return

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _post(self, path: str, key: str | None, data: Any = None) -> Order:
        """The key stays the same at every try, so that the call is carried out once."""
        headers = {"Idempotency-Key": quote(key, safe=PRINTABLE) if key else uuid.uuid4().hex}
        return self._call("POST", path, Order.read, json=data, headers=headers)

    def _call(self, method: str, path: str, read: Callable[[Any], T], **more: Any) -> T:
        """What `read` makes of the answer; its error where it was refused; `Unavailable` where no try was answered."""
        why, wait = "", 0.0
        for nth in range(self._tries):
            time.sleep(wait)
            try:
                answer = self._http.request(method, path, **more)
            except httpx.TransportError as error:
                why, wait = f"{type(error).__name__}: {error}", _back_off(nth)
                continue
            if answer.status_code not in AGAIN:
                return _read(answer, read)
            why, wait = f"It answered {answer.status_code}.", _told_to_wait(answer) or _back_off(nth)
        raise Unavailable(why)


def _address(number: str) -> str:
    """Dots too are quoted: `.` and `..` alone would lead to another address."""
    return f"/api/orders/{quote(number, safe='').replace('.', '%2E')}"


def _page(told: Any) -> tuple[list[Event], str]:
    """The events, and where the next page begins."""
    return [Event.read(one) for one in told["events"]], told["cursor"]


def _back_off(nth: int) -> float:
    """Seconds until the next try: ever longer, never quite the same."""
    return min(0.5 * 2.0**nth, LONGEST_WAIT_S) * random.uniform(0.8, 1.2)


def _told_to_wait(answer: httpx.Response) -> float | None:
    """Seconds, where the server says when to come again."""
    said = answer.headers.get("Retry-After", "")
    return min(float(said), LONGEST_WAIT_S) if said.isdecimal() else None


def _read(answer: httpx.Response, read: Callable[[Any], T]) -> T:
    """What `read` makes of a good answer; what is wrong is raised."""
    try:
        told = answer.json()
        if answer.is_success:
            return read(told)
        raise _error(answer.status_code, told)
    except UNREADABLE:
        why = f"It answered {answer.status_code}, and nothing that can be read: is this the right address?"
        raise Unavailable(why) from None


def _error(status: int, told: Any) -> ShopcallbacksError:
    sentence = told.get("title") or f"It answered {status}."
    match status:
        case 401:
            return Unauthorized(sentence)
        case 404:
            return NotFound(sentence)
        case 409:
            return Refused(sentence, Order.read(told["order"]))
        case 422:
            return Invalid(sentence, {one["field"]: one["detail"] for one in told.get("errors", [])})
    return ShopcallbacksError(sentence)
