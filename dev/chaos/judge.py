"""What became of it, read from outside and compared with what the clients did and heard."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from .clients import Follower
from .gateways import Endpoint
from .record import Record, print_of
from .stage import Stage
from .stories import End

SHOWN = 5


class Judge:
    """`faults`: by a word, what was found wrong; nothing where it holds."""

    def __init__(self, stage: Stage, record: Record) -> None:
        self._stage, self._record = stage, record
        self.faults: dict[str, list[str]] = defaultdict(list)

    def stuck(self) -> None:
        """Before anybody tidies up."""
        rows = self._stage.ask(
            "SELECT id, state, due_kind, asks FROM callbacks WHERE state = 'received' "
            "OR (due_at < now() AND (leased_until IS NULL OR leased_until < now()))"
        )
        self.faults["stuck"] += [str(row) for row in rows]

    def look(self, follower: Follower, endpoint: Endpoint) -> None:
        self._stored()
        self._orders()
        self._movements()
        self._feed(follower)
        self._attempts()
        self._told(endpoint)
        log = self._stage.postgres.log.read_text(errors="replace")
        self.faults["deadlock"] += ["in the log of PostgreSQL"] * log.count("deadlock detected")
        self.faults["unfinished"] += self._record.unfinished

    @property
    def holds(self) -> bool:
        return not any(self.faults.values())

    def lines(self) -> Iterator[str]:
        for word, found in self.faults.items():
            if found:
                yield f"{word}: {len(found)}"
                yield from (f"    {one}" for one in found[:SHOWN])

    # What was acknowledged

    def _stored(self) -> None:
        """Everything acknowledged is there as it was sent, as often as it was acknowledged, and never more often than
        it was sent.
        """
        stored: Counter[bytes] = Counter()
        record = self._record
        for method, path, query, headers, body in self._stage.ask(
            "SELECT r.method, r.path, b.query, r.headers, b.body FROM callbacks c "
            f"JOIN requests r ON r.callback_id = c.id JOIN {_BODIES}"
        ):
            print_ = print_of(method, path, bytes(query), bytes(body))
            stored[print_] += 1
            sent = record.headers.get(print_)
            kept = [(name.lower(), value) for name, value in headers]
            if sent is None or [(name.lower(), value) for name, value in sent if (name.lower(), value) not in kept]:
                self.faults["changed"].append(f"{method} {path}?{bytes(query)!r}")
        for print_, times in record.acked.items():
            if stored[print_] < times:
                self.faults["lost"].append(f"{print_.hex()[:12]}: acknowledged {times}, stored {stored[print_]}")
        for print_, times in stored.items():
            if times > record.sent[print_] > 0:
                self.faults["stored twice"].append(f"{print_.hex()[:12]}: sent {record.sent[print_]}, stored {times}")

    # What came of it

    def _orders(self) -> None:
        orders = {row[0]: row[1:] for row in self._stage.ask(_ORDERS)}
        waiting: dict[str, list[str]] = defaultdict(list)
        for number, reason in self._stage.ask(_WAITING):
            waiting[number].append(reason)
        for story in self._record.finished:
            for number, end in zip(story.numbers, story.ends, strict=True):
                order = orders.get(number)
                wanted = (end.state, end.taken, end.given_back, end.payments) if end.state else None
                if order != wanted:
                    told = f"{story.name} {number}: {order}, not {wanted}; {self._callbacks_of(number)}"
                    self.faults["wrong order"].append(told)
                self._callbacks(f"{story.name} {number}", waiting[number], end)

    def _callbacks_of(self, number: str) -> list[tuple[Any, ...]]:
        return self._stage.ask(
            "SELECT c.id, state, reason, attempt_count, due_kind, (due_at - now())::text, detail FROM callbacks c "
            f"LEFT JOIN {_BODIES} WHERE order_number = %s OR order_number IS NULL AND position(%s IN b.body) > 0",
            (number, f'"{number}"'.encode()),
        )

    def _callbacks(self, which: str, reasons: list[str], end: End) -> None:
        if len(reasons) != end.waiting or any(reason not in end.reasons for reason in reasons):
            self.faults["wrong callback"].append(f"{which}: waits for {reasons}, not {end.waiting} for {end.reasons}")

    def _movements(self) -> None:
        rows = self._stage.ask(
            "SELECT account_id, entry, movement, nth, count(*) FROM ledger WHERE movement IS NOT NULL "
            "GROUP BY 1, 2, 3, 4 HAVING count(*) > 1"
        )
        self.faults["doubled"] += [str(row) for row in rows]

    def _feed(self, follower: Follower) -> None:
        places: dict[int, list[int]] = defaultdict(list)
        chain: dict[int, str] = {}
        events = self._stage.ask(
            "SELECT shop_id, position, order_id, from_state, to_state FROM order_events ORDER BY 1, 2"
        )
        for shop, place, order, before, after in events:
            places[shop].append(place)
            if order in chain and chain[order] != before:
                self.faults["feed"].append(f"order {order} at {place}: from {before}, but it was {chain[order]}")
            chain[order] = after
        for shop, found in places.items():
            if found != list(range(1, len(found) + 1)):
                self.faults["feed"].append(f"shop {shop}: the places have holes")
        states = self._stage.ask("SELECT id, state FROM orders")
        self.faults["feed"] += [f"order {id_}: {state}" for id_, state in states if chain.get(id_) != state]
        if follower.broken or follower.cursor != len(events):
            self.faults["follower"].append(f"{follower.broken} holes or repeats, at {follower.cursor} of {len(events)}")

    def _attempts(self) -> None:
        uneven = (
            "SELECT c.id, c.attempt_count, count(a.id) FROM callbacks c LEFT JOIN attempts a ON a.callback_id = c.id "
            "GROUP BY c.id HAVING c.attempt_count <> count(a.id) OR count(DISTINCT a.number) <> count(a.id)"
        )
        again = (
            "SELECT a.callback_id FROM attempts a JOIN attempts b ON b.callback_id = a.callback_id "
            "AND b.number < a.number AND b.reason IS NULL WHERE a.kind IN ('first', 'automatic')"
        )
        self.faults["attempts"] += [str(row) for query in (uneven, again) for row in self._stage.ask(query)]
        crashed = self._stage.ask(
            "SELECT callback_id, split_part(error, E'\\n', -2) FROM attempts WHERE reason = 'crashed'"
        )
        self.faults["crashed"] += [str(row) for row in crashed]

    def _told(self, endpoint: Endpoint) -> None:
        """Every event reached the shop's endpoint at least once, those of an order in their order."""
        told: list[Any] = self._stage.ask("SELECT number, position FROM order_events ORDER BY position")
        wanted: dict[str, list[int]] = defaultdict(list)
        for number, place in told:
            wanted[number].append(place)
        for number, found in wanted.items():
            if endpoint.places.get(number) != found:
                self.faults["not told"].append(f"{number}: {endpoint.places.get(number)}, not {found}")


_BODIES = """
bodies b ON b.account_id = c.account_id AND b.digest = c.digest
    AND b.day = CAST(c.received_at AT TIME ZONE 'UTC' AS date)
"""
_ORDERS = """
SELECT number, state, taken_minor, given_back_minor,
    (SELECT count(*)::int FROM ledger WHERE order_id = orders.id AND entry = 'payment') FROM orders
"""
_WAITING = """
SELECT order_number, reason FROM (
    SELECT DISTINCT ON (order_number, digest) order_number, reason, state FROM callbacks
    WHERE state <> 'processed' ORDER BY order_number, digest, id
) AS waiting
"""
