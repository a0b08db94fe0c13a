"""`flask orders`: orders as their payment goes."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from ..callbacks.callback import Callback
from ..domain.numbers import number_key
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
        order, made = Order.create(parse_new_order(data, at, actor="command line"), at.id)
    except BadOrder as error:
        raise ValueError("\n".join(f"{name} {problem}" for name, problem in error.problems.items())) from None
    woken = Callback.wake(at.id, order.number) if made else set()
    db.session.commit()
    for asks in woken:
        ring(asks)
    click.echo(f"Order {order.number} {'created' if made else 'was there already'}: {order.state}, {order.total}")


@orders.command("show")
@click.argument("shop")
@click.argument("number")
@plain_errors
def show_order(shop: str, number: str) -> None:
    """An order, its payments and its story."""
    order = Order.find(find_shop(shop).id, number_key(number))
    if order is None:
        raise ValueError(f"There is no order {number!r}.")
    click.echo(f"{order.number}: {order.state}, {order.total}, paid {order.paid}, refunded {order.refunded}")
    for event in order.events:
        click.echo(
            f"  {event.at:%Y-%m-%d %H:%M:%S} {event.kind} -> {event.to_state} {PLAIN.money(event.money)} {event.actor}"
        )
