"""What a user may do, shop by shop."""

from __future__ import annotations

import pytest
from flask import Flask

from shopcallbacks.domain.errors import Refused
from shopcallbacks.extensions import db
from shopcallbacks.shops.users import Role, User

from ..factories import make_shop, make_user


def test_a_role_is_of_one_shop(app: Flask) -> None:
    books, toys, other = (make_shop(slug) for slug in ("books", "toys", "other"))
    user = make_user(Role.viewer, toys)
    user.set_rights({toys: Role.viewer, books: Role.admin})
    db.session.commit()
    assert [user.role_in(shop.id) for shop in (books, toys, other)] == [Role.admin, Role.viewer, None]
    assert [shop.slug for shop in user.shops] == ["books", "toys"]
    for shop, able in ((books, True), (toys, False)):
        user.look_at(shop)
        assert (user.may_act, user.may_set_up) == (able, able)


def test_before_a_shop_is_looked_at_the_least_role_counts(app: Flask) -> None:
    user = make_user(Role.viewer, make_shop("toys"))
    user.set_rights({make_shop("books"): Role.admin, user.shops[0]: Role.viewer})
    assert (user.role, user.may_act) == (Role.viewer, False)
    assert make_user(Role.owner).role is Role.owner
    assert make_user(Role.viewer).role is None


def test_a_role_that_is_taken_away_is_gone(app: Flask) -> None:
    books, toys = make_shop("books"), make_shop("toys")
    user = make_user(Role.manager, books, toys)
    user.set_rights({toys: Role.admin})
    db.session.commit()
    assert db.session.get_one(User, user.id).rights == {toys: Role.admin}


@pytest.mark.parametrize("goes", [lambda one: one.set_active(False), lambda one: one.set_rights({})])
def test_the_last_owner_stays(app: Flask, goes: object) -> None:
    assert callable(goes)
    first, second = make_user(Role.owner), make_user(Role.owner)
    goes(first)
    db.session.commit()
    with pytest.raises(Refused, match="is the last owner"):
        goes(second)
    assert (second.owns, second.active) == (True, True)


def test_a_program_that_owns_is_no_owner_who_stays(app: Flask) -> None:
    owner, program = make_user(Role.owner), User.add_program("till", make_shop())
    program.make_owner()
    db.session.commit()
    with pytest.raises(Refused, match="is the last owner"):
        owner.set_active(False)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Dana\t D.\n", "Dana D."),
        ("Dana\u202e\u200b\x1b\u00a0D.", "Dana D."),
        ("J\u00fcrgen O\u2019Neil", "J\u00fcrgen O\u2019Neil"),
        ("\u200b", "dana"),
    ],
)
def test_a_name_has_no_signs_that_nobody_sees(app: Flask, typed: str, kept: str) -> None:
    assert User.add("dana@shop.example", typed, Role.viewer, None, []).name == kept


@pytest.mark.parametrize("name", ["the command line", "The\u200b  Command Line", "API token till", "somebody unknown"])
def test_nobody_takes_the_name_of_what_acts_and_is_no_person(app: Flask, name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a person"):
        User.add("dana@shop.example", name, Role.viewer, None, [])
