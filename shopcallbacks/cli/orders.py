"""`flask orders`: orders as their payment goes."""

from __future__ import annotations

from collections.abc import Callable

import click
from flask.cli import AppGroup

from ..bells import ring
from ..callbacks import moves
from ..callbacks.moves import Moved
from ..domain.money import Answer
from ..domain.numbers import number_key
from ..domain.states import Lane
from ..extensions import db
from ..orders import summaries
from ..orders.intake import BadOrder, parse_new_order
from ..orders.order import Order
from ..shops.accounts import Shop
from ..words.formats import PLAIN
from ..words.orders import LIVES, standing
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
@click.option("--expires-at", default=None, help='When it is given up unless it is paid: "2026-11-27T18:00:00+01:00".')
@plain_errors
def create_order(
    shop: str,
    number: str,
    amount: str,
    currency: str,
    email: str | None,
    account: str | None,
    test: bool,
    expires_at: str | None,
) -> None:
    """Create a temporary order."""
    data = {"number": number, "amount": amount, "currency": currency, "test": test}
    data |= {"customer_email": email} if email else {}
    data |= {"gateway_account": account} if account else {}
    data |= {"expires_at": expires_at} if expires_at else {}
    at = find_shop(shop)
    try:
        new = parse_new_order(data, at, actor="command line")
        moved = moves.hand_in(new, at)
    except BadOrder as error:
        raise ValueError("\n".join(f"{name} {problem}" for name, problem in error.problems.items())) from None
    db.session.commit()
    if moves.woken_behind(moved) or moved.woken:
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


def _find(shop: Shop, number: str) -> Order:
    order = Order.find(shop.id, number_key(number))
    if order is None:
        raise ValueError(f"There is no order {number!r}.")
    return order


def _do(shop: Shop, number: str, move: Callable[[int], Moved]) -> None:
    moved = move(_find(shop, number).id)
    db.session.commit()
    if moved.woken:
        ring(Lane.plain)
    order = db.session.get_one(Order, moved.order_id)
    click.echo(f"Order {number}: {standing(order.state, order.cancelled_by, order.part_paid)}")


def _verb(name: str, doc: str, do: Callable[[int, str], Moved]) -> None:
    @orders.command(name, help=doc)
    @click.argument("shop")
    @click.argument("number")
    @click.argument("why")
    @plain_errors
    def command(shop: str, number: str, why: str) -> None:
        _do(find_shop(shop), number, lambda id_: do(id_, why))


_verb("settle", "All that is owed of it was given back.", lambda id_, why: moves.settle(id_, None, why))
_verb("enough", "What was paid is all: the rest is waived.", lambda id_, why: moves.enough(id_, None, why))
_verb("cancel", "The shop gave it up.", lambda id_, why: moves.cancel(id_, "command line"))


@orders.command("end-try")
@click.argument("shop")
@click.argument("number")
@click.argument("account")
@click.argument("transaction")
@click.argument("why")
@plain_errors
def end_try(shop: str, number: str, account: str, transaction: str, why: str) -> None:
    """End a pending payment that will never end by itself. A TRANSACTION of "" is the try that names none."""
    at = find_shop(shop)
    of = at.account(account)
    if of is None:
        raise ValueError(f"The shop has no gateway account {account!r}.")
    _do(at, number, lambda id_: moves.end_try(id_, of.id, transaction or None, None, why))


@orders.command("show")
@click.argument("shop")
@click.argument("number")
@plain_errors
def show_order(shop: str, number: str) -> None:
    """An order, its payments and its story."""
    order = _find(find_shop(shop), number)
    owed = " + ".join(map(str, order.owed)) or "nothing"
    click.echo(
        f"{order.number}: {standing(order.state, order.cancelled_by, order.part_paid)}, {order.total}, "
        f"paid {order.paid}, given back {order.given_back}, kept {order.kept}, owed back {owed}"
    )
    for one in summaries.of(order):
        ids = ", ".join(id_ or "-" for id_ in one.payment.transactions)
        came_in = " + ".join(map(str, one.came_in)) or "nothing"
        click.echo(f"  {one.account.slug} {ids}: {LIVES[one.payment.life][1]}, came in {came_in}, taken {one.taken}")
    for event in order.events:
        click.echo(
            f"  {event.at:%Y-%m-%d %H:%M:%S} {event.kind} -> {event.to_state} {PLAIN.money(event.money)} {event.actor}"
        )
