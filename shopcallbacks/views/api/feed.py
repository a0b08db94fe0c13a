"""The feed of order changes can be followed."""

from __future__ import annotations

from flask import Response, g, request

from ...domain.values import read_id
from ...orders.feed import OrderEvent
from ...shapes.feed import OrderChanges
from ...shops.tokens import Scope
from ..problems import problem
from ..replica import from_replica
from .base import answer, operation

PAGE, MOST = 100, 1000
WHOLE = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}


@operation(
    "GET",
    "/events",
    Scope.feed,
    query={
        "after": {**WHOLE, "default": 0, "description": "The `cursor` of the page before."},
        "limit": {
            **WHOLE,
            "minimum": 1,
            "default": PAGE,
            "description": f"How many at most; no more than {MOST:,} are told at once.",
        },
    },
    answers={200: (OrderChanges, "None where nothing has changed since.")},
    problems=(422,),
)
@from_replica
def list_events() -> Response:
    """Follow the changes of orders.

    In the order they were committed, without holes, at least once. Keep `cursor`, and pass it as `after`.
    """
    after, limit = read_id(request.args.get("after", "0")), read_id(request.args.get("limit", str(PAGE)))
    if after is None or not limit:
        given = {"after": (after, 0), "limit": (limit, 1)}
        errors = {
            name: f"must be a whole number, {least} or more"
            for name, (value, least) in given.items()
            if value is None or value < least
        }
        return problem(422, "The events can't be listed.", errors=errors)
    events = OrderEvent.after(g.shop.id, after, min(limit, MOST))
    cursor = events[-1].position if events else after
    return answer(OrderChanges(events=[event.shape for event in events], cursor=str(cursor)))
