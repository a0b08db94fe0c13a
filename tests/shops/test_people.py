"""What admins and owners may do about people, and what they may not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Refused
from shopcallbacks.extensions import db
from shopcallbacks.shops import people
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.links import Link, LinkKind
from shopcallbacks.shops.users import Role, User

from ..factories import PASSWORD, make_shop, make_user


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop("toys")


@pytest.fixture
def admin(shop: Shop) -> User:
    return make_user(Role.admin, shop)


def opened(address: str) -> Link | None:
    """What a browser finds there."""
    _, _, _, kind, id_, token = address.split("/")
    return Link.find(LinkKind(kind), id_, token)


def acts() -> list[tuple[str, str | None, str]]:
    db.session.flush()
    rows = db.session.execute(select(Activity.verb, Shop.slug, Activity.what).outerjoin(Shop).order_by(Activity.id))
    return [tuple(row) for row in rows]  # type: ignore[misc]


def test_an_invitation_is_used_once(admin: User, shop: Shop) -> None:
    address = people.invite(admin, "Dana@Toys.example", Role.manager, shop).address()
    link = opened(address)
    assert link is not None
    dana = people.join(link, "Dana", PASSWORD)
    assert (dana.email, dana.name, dana.rights) == ("dana@toys.example", "Dana", {shop: Role.manager})
    assert opened(address) is None
    assert acts() == [
        ("invite", "toys", "dana@toys.example: manager of toys"),
        ("accept invitation", "toys", "manager of toys"),
    ]


def too_old(link: Link) -> None:
    link.ends_at = utcnow() - timedelta(seconds=1)


@pytest.mark.parametrize(
    "ends",
    [
        too_old,
        Link.withdraw,
        Link.address,
        lambda link: link.by.set_active(False),
        lambda link: link.by.set_rights({link.shop: Role.manager}),
        lambda link: people.invite(link.by, link.email, Role.viewer, link.shop),
    ],
    ids=["too old", "taken back", "a new link", "whoever invited is off", "is no admin any more", "invited again"],
)
def test_an_invitation_ends(admin: User, shop: Shop, ends: Callable[[Link], object]) -> None:
    link = people.invite(admin, "dana@toys.example", Role.manager, shop)
    address = link.address()
    assert opened(address) is link
    ends(link)
    db.session.flush()
    assert opened(address) is None


def test_the_database_has_only_the_digest_of_a_link(admin: User, shop: Shop) -> None:
    link = people.invite(admin, "dana@toys.example", Role.manager, shop)
    token = link.address().rpartition("/")[2]
    assert token not in repr([getattr(link, column.name) for column in Link.__table__.columns])
    for other in ("", token[:-1], token + "x", "x" * len(token)):
        assert Link.find(LinkKind.invitation, str(link.id), other) is None
    assert Link.find(LinkKind.password, str(link.id), token) is None


def test_who_is_a_user_already_gets_the_role_beside_theirs(admin: User, shop: Shop) -> None:
    other = make_shop("books")
    dana, stranger = make_user(Role.admin, other), make_user(Role.viewer, other)
    link = people.invite(admin, dana.email, Role.viewer, shop)
    with pytest.raises(Refused, match="This invitation is for"):
        people.accept(link, stranger)
    people.accept(link, dana)
    assert dana.rights == {other: Role.admin, shop: Role.viewer}


@pytest.mark.parametrize(
    ("email", "role", "sentence"),
    [
        ("not an address", Role.viewer, "Enter one e-mail address"),
        ("a@x.example, b@x.example", Role.viewer, "Enter one e-mail address"),
        ("boss@x.example", Role.owner, "Only an owner makes an owner."),
        ("here@toys.example", Role.admin, "is among the people already"),
    ],
)
def test_nobody_is_invited_who_can_not_be(admin: User, shop: Shop, email: str, role: Role, sentence: str) -> None:
    make_user(Role.viewer, shop, email="here@toys.example")
    with pytest.raises((ValueError, Refused), match=sentence):
        people.invite(admin, email, role, None if role is Role.owner else shop)


def test_a_manager_and_an_admin_of_another_shop_invite_nobody(shop: Shop) -> None:
    for by in (make_user(Role.manager, shop), make_user(Role.admin, make_shop())):
        with pytest.raises(Refused, match="Only admins of Toys"):
            people.invite(by, "dana@toys.example", Role.viewer, shop)


def test_roles_change_in_the_shops_named_and_nowhere_else(admin: User, shop: Shop) -> None:
    other = make_shop("books")
    dana = make_user(Role.manager, shop, other)
    assert people.give(admin, dana, {shop: Role.admin}, "helps out")
    assert dana.rights == {shop: Role.admin, other: Role.manager}
    assert not people.give(admin, dana, {shop: Role.admin})
    assert people.give(admin, dana, {shop: None})
    assert dana.rights == {other: Role.manager}
    assert acts() == [
        ("set role", "toys", f"{dana.email}: from manager to admin in toys"),
        ("set role", "toys", f"{dana.email}: from admin to nothing in toys"),
    ]


def test_nobody_raises_themselves(admin: User, shop: Shop) -> None:
    manager, owner = make_user(Role.manager, shop), make_user(Role.owner)
    for one in (admin, manager, owner):
        for act in (
            lambda one=one: people.give(one, one, {shop: Role.admin}),
            lambda one=one: people.make_owner(one, one),
            lambda one=one: people.end_ownership(one, one, {shop: Role.admin}),
            lambda one=one: people.switch_off(one, one, "tired"),
            lambda one=one: people.password_link(one, one),
        ):
            with pytest.raises(Refused, match=r"Nobody changes their own role|Not for yourself"):
                act()


def test_an_admin_reaches_neither_owners_nor_other_shops(admin: User, shop: Shop) -> None:
    owner, other = make_user(Role.owner), make_shop("books")
    wide, beside = make_user(Role.manager, shop, other), make_user(Role.manager, other)
    for person in (owner, wide, beside):
        for act in (
            lambda person=person: people.switch_off(admin, person, "left"),
            lambda person=person: people.end_sessions(admin, person),
            lambda person=person: people.password_link(admin, person),
        ):
            with pytest.raises(Refused, match="sees more than your shops"):
                act()
    with pytest.raises(Refused, match="is an owner"):
        people.give(admin, owner, {shop: Role.viewer})
    with pytest.raises(Refused, match="Only admins of a shop"):
        people.give(admin, beside, {other: Role.viewer})
    for act in (lambda: people.make_owner(admin, wide), lambda: people.end_ownership(admin, owner, {shop: Role.admin})):
        with pytest.raises(Refused, match="Only an owner"):
            act()
    assert acts() == []


def test_an_owner_makes_owners_and_ends_it_but_not_of_the_last(shop: Shop) -> None:
    owner, dana = make_user(Role.owner), make_user(Role.viewer, shop)
    people.make_owner(owner, dana)
    assert (dana.owns, dana.rights) == (True, {})
    people.end_ownership(dana, owner, {shop: Role.admin})
    assert (owner.owns, owner.rights) == (False, {shop: Role.admin})
    with pytest.raises(Refused, match="is the last owner"):
        people.end_ownership(None, dana, {shop: Role.admin})
    with pytest.raises(Refused, match="is the last owner"):
        people.switch_off(None, dana, "left")


def test_switching_off_needs_a_reason_and_is_kept_in_each_shop_of_theirs(shop: Shop) -> None:
    owner, dana = make_user(Role.owner), make_user(Role.viewer, shop, make_shop("books"))
    with pytest.raises(ValueError, match="Say why"):
        people.switch_off(owner, dana, " ")
    people.switch_off(owner, dana, "left")
    people.switch_off(owner, dana, "left")
    assert not dana.active
    with pytest.raises(Refused, match="is switched off"):
        people.password_link(owner, dana)
    people.switch_on(owner, dana)
    assert dana.active
    assert sorted(acts()) == sorted(
        (f"{word} user", slug, dana.email) for word in ("deactivate", "activate") for slug in ("toys", "books")
    )


def test_a_password_link_fits_the_password_it_replaces_and_no_other(admin: User, shop: Shop) -> None:
    dana = make_user(Role.viewer, shop)
    address = people.password_link(admin, dana)
    db.session.flush()
    assert opened(address) is not None
    dana.set_password("lavender tractor sings")
    assert opened(address) is None


def test_a_program_is_nobody_to_be_given_a_role_or_switched_off(shop: Shop) -> None:
    program = User.add_program("till", shop)
    db.session.flush()
    for by in (None, make_user(Role.owner)):
        for act in (
            lambda by=by: people.give(by, program, {shop: Role.admin}),
            lambda by=by: people.make_owner(by, program),
            lambda by=by: people.switch_off(by, program, "leaked"),
        ):
            with pytest.raises(Refused, match="is no person"):
                act()
    assert (program.rights, program.owns, program.active) == ({shop: Role.manager}, False, True)


@pytest.mark.parametrize(
    "ends",
    [
        lambda admin, dana: admin.set_active(False),
        lambda admin, dana: admin.set_rights(dict.fromkeys(admin.shops, Role.manager)),
        lambda admin, dana: people.give(None, dana, {make_shop("books"): Role.admin}),
        lambda admin, dana: dana.make_owner(),
    ],
    ids=["whoever made it is off", "is no admin any more", "they see more by now", "they are an owner by now"],
)
def test_a_password_link_opens_no_longer_than_its_maker_manages_the_person(
    admin: User, shop: Shop, ends: Callable[[User, User], object]
) -> None:
    dana = make_user(Role.viewer, shop)
    address, by_nobody = people.password_link(admin, dana), people.password_link(None, dana)
    db.session.flush()
    assert opened(address) is not None
    ends(admin, dana)
    db.session.flush()
    assert opened(address) is None
    assert opened(by_nobody) is not None
