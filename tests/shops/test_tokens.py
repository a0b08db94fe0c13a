"""API tokens: several for each shop, named, with scopes, and an overlap when one follows another."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from shopcallbacks.clock import utcnow
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.tokens import USUAL, ApiToken, Scope
from shopcallbacks.shops.users import User

from ..factories import make_shop


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop()


def test_a_token_is_found_by_its_text_and_kept_as_a_digest(shop: Shop) -> None:
    made, text = ApiToken.add(shop, " the  till ", USUAL, None)
    assert (made.name, made.scopes) == ("the till", ["orders", "feed"])
    assert ApiToken.of_text(text) is made
    assert ApiToken.of_text(text + "x") is None
    assert text.encode() not in made.digest


def test_a_token_that_has_ended_is_not_found_and_never_comes_back(shop: Shop) -> None:
    made, text = ApiToken.add(shop, "till", USUAL, None)
    made.end(utcnow() + timedelta(hours=1), None)
    assert ApiToken.of_text(text) is made
    made.end(utcnow(), None)
    assert ApiToken.of_text(text) is None
    with pytest.raises(ValueError, match="has ended already"):
        made.end(None, None)


def test_while_one_takes_over_from_another_both_are_in_use(shop: Shop) -> None:
    former, old = ApiToken.add(shop, "till", [Scope.act], None)
    made, new = former.replace(utcnow() + timedelta(days=1), None)
    assert (made.name, made.scopes, made.user) == ("till", former.scopes, former.user)
    assert [ApiToken.of_text(text) for text in (old, new)] == [former, made]
    made.replace(utcnow(), None)
    assert ApiToken.of_text(new) is None


@pytest.mark.parametrize(
    ("name", "scopes", "said"),
    [
        ("", USUAL, "Name the token"),
        ("x" * 61, USUAL, "Name the token"),
        ("a\x00", USUAL, "Name the token"),
        ("till", (), "Say what"),
        ("taken", USUAL, "in use already"),
    ],
)
def test_a_token_has_a_name_of_its_own_and_may_do_something(
    shop: Shop, name: str, scopes: tuple[Scope, ...], said: str
) -> None:
    ApiToken.add(shop, "taken", USUAL, None)
    with pytest.raises(ValueError, match=said):
        ApiToken.add(shop, name, scopes, None)


def test_the_last_use_is_written_once_an_hour(shop: Shop) -> None:
    made, _ = ApiToken.add(shop, "till", USUAL, None)
    assert [made.used(), made.used()] == [True, False]
    made.used_at = utcnow() - timedelta(hours=2)
    assert made.used()


def test_what_acts_by_a_token_is_no_person(shop: Shop) -> None:
    """It is in no list of people, and nobody logs in as it."""
    made, _ = ApiToken.add(shop, "till", [Scope.act], None)
    db.session.commit()
    actor = made.user
    assert actor is not None
    assert (actor.name, actor.may_act, actor.may_set_up, actor.shops) == ("API token till", True, False, [shop])
    assert User.every() == []
    assert User.by_email(actor.email) is None
    assert User.log_in(actor.email, "") is None
    assert User.who_see(shop.id) == [actor]


def test_tokens_of_one_name_that_follow_each_other_act_as_one(shop: Shop) -> None:
    first, _ = ApiToken.add(shop, "till", [Scope.act], None)
    first.end(utcnow(), None)
    second, _ = ApiToken.add(shop, "till", [Scope.act], None)
    assert second.user is first.user
    assert ApiToken.add(shop, "other", USUAL, None)[0].user is None


def test_that_one_was_made_or_ended_is_kept(shop: Shop) -> None:
    made, _ = ApiToken.add(shop, "till", USUAL, None)
    made.end(None, None)
    db.session.commit()
    acts = [(act.verb, act.what) for act in db.session.scalars(select(Activity).order_by(Activity.id))]
    assert acts == [("new API token", "till: orders, feed"), ("end API token", "till: goes on without an end")]
