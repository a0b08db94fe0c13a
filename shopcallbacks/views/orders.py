"""The shop's orders: the lists, one with its payments, its story and its callbacks, and what a person says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ..bells import ring
from ..callbacks import moves, related
from ..callbacks.moves import Moved
from ..dashboard import decisions, unheard
from ..domain import money
from ..domain.errors import Refused
from ..domain.money import Decision
from ..domain.states import Lane, OrderState
from ..domain.values import Money
from ..extensions import db
from ..orders import lists, summaries
from ..orders.ledger import LedgerRow
from ..orders.lists import DisputePage, OrderPage
from ..orders.order import Order
from ..orders.payments import Payment
from ..outgoing.deliveries import Delivery
from ..words import orders as words
from .access import current_shop, load_order, managers_only
from .callbacks.telling import back_to
from .callbacks.verbs import why
from .replica import from_replica
from .screens import now, wants_fragment, whole, written

bp = Blueprint("orders", __name__, url_prefix="/orders")

# Lists of what a person may want to do something about, by their names in the address: `?owed=1`, `?waiting=14` days.
LISTS: dict[str, Callable[[int, datetime, str | None], OrderPage | DisputePage]] = {
    "decide": decisions.to_decide,
    "owed": lambda shop_id, _, after: lists.in_debt(shop_id, after),
    "disputed": lambda shop_id, _, after: lists.disputed(shop_id, after),
    "part_paid": lambda shop_id, _, after: lists.part_paid(shop_id, after),
    "waiting": lambda shop_id, at, after: lists.awaiting(shop_id, at - timedelta(days=days()), after),
    "untold": lists.untold,
    "unheard": unheard.page,
}
DAYS, MOST_DAYS = 7, 3650


def days() -> int:
    """Of orders that wait: for how many days."""
    asked = request.args.get("waiting", type=whole)
    return min(max(asked, 1), MOST_DAYS) if asked is not None else DAYS


@bp.get("")
@from_replica
def index() -> str:
    state, number = request.args.get("state", type=OrderState), request.args.get("number", "").strip()
    shop_id, after = current_shop().id, request.args.get("after")
    only = None if number or state else next((name for name in LISTS if name in request.args), None)
    page: OrderPage | DisputePage
    if only is not None:
        page = LISTS[only](shop_id, now(), after)
    elif number:
        page = lists.found(shop_id, number, state, after)
    else:
        page = lists.newest(shop_id, state, after)
    return render_template(
        "orders/index.html", page=page, state=state, number=number, after=after, only=only, days=days()
    )


@bp.get("/<int:id_>")
def show(id_: int) -> str:
    order = load_order(id_)
    facts = order.facts
    return render_template(
        "orders/show.html",
        order=order,
        facts=facts,
        lost=Money(facts.lost, order.currency),
        summaries=summaries.of(order),
        waiting=related.waiting_on(order, facts),
        words=words,
        callbacks=related.callbacks_about(order),
        deliveries=Delivery.of_order(order.id),
    )


@bp.app_template_filter()
def standing(order: Order) -> str:
    return words.standing(order.state, order.cancelled_by, order.part_paid)


@bp.app_template_filter()
def did(row: LedgerRow, currency: str) -> list[str]:
    return words.did(row, currency, written())


@bp.app_template_filter()
def until(answer_by: datetime | date) -> str:
    """Until when a dispute is to be answered: a moment, or a day where the gateway named one."""
    return written().moment(answer_by, now()) if isinstance(answer_by, datetime) else written().day(answer_by)


@bp.app_template_filter()
def answer_by(payment: Payment) -> datetime | date | None:
    return payment.facts.answer_by


# What a person says of an order


@dataclass(frozen=True)
class Word:
    """`name`: of its act; `foresee`: by the rules that `do` goes by; `hidden`: what its form says besides a reason."""

    name: str
    do: Callable[[int, str], Moved]
    foresee: Callable[[Order], Decision]
    hidden: dict[str, str]


def _word(noun: str) -> Word:
    user = current_user
    if noun == "settlement":
        return Word("settle", lambda id_, why: moves.settle(id_, user, why), lambda o: money.settle(o.facts), {})
    if noun == "completion":
        return Word("enough", lambda id_, why: moves.enough(id_, user, why), lambda o: money.enough(o.facts), {})
    account, transaction = request.values.get("account", 0, type=whole), request.values.get("transaction")
    hidden = {"account": str(account)} | ({"transaction": transaction} if transaction is not None else {})
    return Word(
        "end try",
        lambda id_, why: moves.end_try(id_, account, transaction, user, why),
        lambda order: money.end_try(order.facts, account, transaction),
        hidden,
    )


NOUNS = ("settlement", "completion", "try-end")


def _register(noun: str) -> None:
    """POST does it, as `orders.settlement`; GET asks for the reason, as `orders.ask_settlement`."""

    @managers_only
    def ask(id_: int) -> str:
        return question(noun, load_order(id_))

    @managers_only
    def do(id_: int) -> Response | tuple[str, int]:
        return _do(noun, load_order(id_))

    name = noun.replace("-", "_")
    bp.add_url_rule(f"/<int:id_>/{noun}", f"ask_{name}", ask)
    bp.add_url_rule(f"/<int:id_>/{noun}", name, do, methods=["POST"])


for _noun in NOUNS:
    _register(_noun)


def _do(noun: str, order: Order) -> Response | tuple[str, int]:
    word, number = _word(noun), order.number
    try:
        moved = word.do(order.id, why())
    except Refused as refused:
        db.session.rollback()
        return question(noun, load_order(order.id), str(refused)), 422
    db.session.commit()
    if moved.woken:
        ring(Lane.plain)
    flash(words.VERBS[word.name].done.format(number=number))
    return redirect(back_to(url_for("orders.show", id_=moved.order_id)), 303)


def question(noun: str, order: Order, problem: str = "") -> str:
    """What it would do, and why; in a dialog, or as a page of its own."""
    word, facts = _word(noun), order.facts
    try:
        changes, refused = words.changes(facts, word.foresee(order).order, written()), ""
    except Refused as error:
        changes, refused = [], str(error)
    return render_template(
        "orders/ask/_ask.html" if wants_fragment() else "orders/ask/ask.html",
        order=order,
        said=words.VERBS[word.name],
        address=url_for(f"orders.{noun.replace('-', '_')}", id_=order.id),
        hidden=word.hidden,
        changes=changes,
        refused=refused,
        problem=problem,
        why=request.form.get("why", ""),
        waiting=len(related.waiting_on(order, facts).callbacks),
        back=back_to(url_for("orders.show", id_=order.id)),
    )
