"""`flask orders`: orders as their payment goes."""

from __future__ import annotations

from collections.abc import Callable

import click
from flask.cli import AppGroup

from ..callbacks import moves
from ..callbacks.moves import Moved
from ..domain.money import Answer
from ..domain.numbers import number_key
from ..domain.states import Lane
from ..extensions import db, ring
from ..orders.intake import BadOrder, parse_new_order
from ..orders.order import Order
from ..words.formats import PLAIN
from .base import find_shop, plain_errors

orders = AppGroup("orders", help="Orders as their payment goes.")


@orders.command("create")
@click.argument("shop")
@click.argument("number")
@click.argument("amount")
@click.argument("currency")
@click.option("--email", default=None, help="The customer's e-mail.")
@click.option("--account", default=None, help="The only gateway account that may pay it.")
@click.option("--test", is_flag=True, help="A test order: only test callbacks move it.")
@plain_errors
def create_order(
    shop: str, number: str, amount: str, currency: str, email: str | None, account: str | None, test: bool
) -> None:
    """Create a temporary order."""
    data = {"number": number, "amount": amount, "currency": currency, "test": test}
    data |= {"customer_email": email} if email else {}
    data |= {"gateway_account": account} if account else {}
    at = find_shop(shop)
    try:
        new = parse_new_order(data, at, actor="command line")
    except BadOrder as error:
        raise ValueError("\n".join(f"{name} {problem}" for name, problem in error.problems.items())) from None
    moved = moves.hand_in(new, at)
    db.session.commit()
    if moves.woken_behind(at, new.number) or moved.woken:
        db.session.commit()
        ring(Lane.plain)
    order = db.session.get_one(Order, moved.order_id)
    click.echo(f"Order {order.number} {SAID[moved.answer]}: {order.state}, {order.total}")


SAID = {
    Answer.created: "created",
    Answer.done: "replaced",
    Answer.again: "handed in again",
    Answer.same: "was there already",
}


def _verb(name: str, doc: str, do: Callable[[int, str], Moved]) -> None:
    @orders.command(name, help=doc)
    @click.argument("shop")
    @click.argument("number")
    @click.argument("why")
    @plain_errors
    def command(shop: str, number: str, why: str) -> None:
        order = Order.find(find_shop(shop).id, number)
        if order is None:
            raise ValueError(f"There is no order {number!r}.")
        moved = do(order.id, why)
        db.session.commit()
        if moved.woken:
            ring(Lane.plain)
        click.echo(f"Order {number}: {db.session.get_one(Order, moved.order_id).state}")


_verb("settle", "All that is owed of it was given back.", lambda id_, why: moves.settle(id_, None, why))
_verb("enough", "What was paid is all: the rest is waived.", lambda id_, why: moves.enough(id_, None, why))
_verb("cancel", "The shop gave it up.", lambda id_, why: moves.cancel(id_, "command line"))


@orders.command("show")
@click.argument("shop")
@click.argument("number")
@plain_errors
def show_order(shop: str, number: str) -> None:
    """An order, its payments and its story."""
    order = Order.find(find_shop(shop).id, number_key(number))
    if order is None:
        raise ValueError(f"There is no order {number!r}.")
    click.echo(f"{order.number}: {order.state}, {order.total}, paid {order.paid}, given back {order.given_back}")
    for event in order.events:
        click.echo(
            f"  {event.at:%Y-%m-%d %H:%M:%S} {event.kind} -> {event.to_state} {PLAIN.money(event.money)} {event.actor}"
        )
