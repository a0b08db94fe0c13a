"""The API, with the same call tried again until it is answered."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from .errors import Invalid, NotFound, Refused, ShopcallbacksError, Unauthorized, Unavailable
from .values import Event, Order

PAGE = 500
AGAIN = frozenset({429, 500, 502, 503, 504})
LONGEST_WAIT_S = 30.0


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
        return Order.read(self._post("/api/orders", idempotency_key, given))

    def cancel(self, number: str, *, idempotency_key: str | None = None) -> Order:
        """The shop gives the order up. `Refused` where it is paid."""
        return Order.read(self._post(f"{_address(number)}/cancel", idempotency_key))

    def order(self, number: str) -> Order:
        return Order.read(self._call("GET", _address(number)))

    def events(self, after: str = "0") -> Iterator[Event]:
        """The changes behind that position, in the order they were committed, up to the last there is."""
        while True:
            page = self._call("GET", "/api/events", params={"after": after, "limit": PAGE})
            yield from map(Event.read, page["events"])
            if len(page["events"]) < PAGE:
                return
            after = page["cursor"]

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _post(self, path: str, key: str | None, data: Any = None) -> Any:
        """The key stays the same at every try, so that the call is carried out once."""
        return self._call("POST", path, json=data, headers={"Idempotency-Key": key or uuid.uuid4().hex})

    def _call(self, method: str, path: str, **more: Any) -> Any:
        """What was answered; its error where it was refused; `Unavailable` where no try was answered."""
        why, wait = "", 0.0
        for nth in range(self._tries):
            time.sleep(wait)
            try:
                answer = self._http.request(method, path, **more)
            except httpx.TransportError as error:
                why, wait = f"{type(error).__name__}: {error}", _back_off(nth)
                continue
            if answer.status_code not in AGAIN:
                return _read(answer)
            why, wait = f"It answered {answer.status_code}.", _told_to_wait(answer) or _back_off(nth)
        raise Unavailable(why)


def _address(number: str) -> str:
    return f"/api/orders/{quote(number, safe='')}"


def _back_off(nth: int) -> float:
    """Seconds until the next try: ever longer, never quite the same."""
    return min(0.5 * 2.0**nth, LONGEST_WAIT_S) * random.uniform(0.8, 1.2)


def _told_to_wait(answer: httpx.Response) -> float | None:
    """Seconds, where the server says when to come again."""
    said = answer.headers.get("Retry-After", "")
    return min(float(said), LONGEST_WAIT_S) if said.isdecimal() else None


def _read(answer: httpx.Response) -> Any:
    """The JSON of a good answer; what is wrong is raised."""
    try:
        told = answer.json()
    except ValueError:
        raise Unavailable(f"It answered {answer.status_code}, and no JSON: is this the right address?") from None
    if answer.is_success:
        return told
    sentence = told.get("title") or f"It answered {answer.status_code}."
    match answer.status_code:
        case 401:
            raise Unauthorized(sentence)
        case 404:
            raise NotFound(sentence)
        case 409:
            raise Refused(sentence, Order.read(told["order"]))
        case 422:
            raise Invalid(sentence, {one["field"]: one["detail"] for one in told.get("errors", [])})
    raise ShopcallbacksError(sentence)
