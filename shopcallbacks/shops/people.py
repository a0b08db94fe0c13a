"""What admins and owners do about people, each kept as an act in every shop it is about.

`by` None: the command line, which may do all. What is not theirs to do, or makes no sense, is `Refused`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select

from ..domain.errors import Refused
from ..extensions import db
from ..words.formats import ADDRESS
from .accounts import Shop
from .acts import Activity
from .links import Link, LinkKind
from .provider import Identity
from .second_factor import SecondFactor
from .sessions import End
from .users import OF_SHOPS, Membership, Role, User


def invite(by: User | None, email: str, role: Role, shop: Shop | None) -> Link:
    """An invitation to be `role` of the shop; to be an owner, of none. `ValueError` where it is no e-mail address."""
    email = email.strip().lower()
    if not ADDRESS.fullmatch(email):
        raise ValueError("Enter one e-mail address, dana@shop.example.")
    _check_may_give(by, role, shop)
    person = User.by_email(email)
    if person is not None and (person.owns or (shop is not None and shop in person.rights)):
        raise Refused(f"{email} is among the people already.")
    for former in Link.to(email, shop):
        former.withdraw()
    link = Link.make(LinkKind.invitation, email, by, shop, role)
    Activity.record("invite", by, shop_id=link.shop_id, what=f"{email}: {_as(link)}")
    return link


def _check_may_give(by: User | None, role: Role, shop: Shop | None) -> None:
    if (role is Role.owner) != (shop is None):
        raise ValueError("An owner is of every shop, any other role of one.")
    if by is None or by.owns:
        return
    if shop is None or not by.reaches(Role.admin, shop.id):
        raise Refused("Only an owner makes an owner." if shop is None else f"Only admins of {shop.name} invite to it.")


def withdraw(by: User | None, link: Link) -> None:
    link.withdraw()
    Activity.record("withdraw invitation", by, shop_id=link.shop_id, what=link.email)


def new_address(by: User | None, link: Link) -> str:
    """Of the same invitation, by another link: a letter that is under way would make the address of this one anew."""
    link.withdraw()
    other = Link.make(link.kind, link.email, by, link.shop, link.role)
    other.ends_at = link.ends_at
    Activity.record("new invitation link", by, shop_id=link.shop_id, what=link.email)
    return other.address()


def join(link: Link, name: str, password: str | None) -> User:
    """Who was invited, as a new user. `ValueError` where the name or the password is not taken; without one they log
    in with the provider only.
    """
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(link.email, 0))))
    role = link.role or Role.viewer
    user = User.add(link.email, name, role, password, [link.shop] if link.shop else [])
    db.session.flush()
    _use(link, user)
    return user


def accept(link: Link, user: User) -> None:
    """Who was invited was a user before: they get the role besides those they have. `Refused` for anybody else."""
    if user.email != link.email:
        raise Refused(f"This invitation is for {link.email}.")
    if link.shop is None:
        user.owns, user.memberships = True, []
    elif not user.owns and link.shop not in user.rights:
        user.memberships.append(Membership(shop=link.shop, role=link.role))
    _use(link, user)


def by_identity(found: Identity) -> User:
    """The user that the provider means: who came before; else whose e-mail it has verified, a user or somebody who is
    invited. `Refused` for anybody else.
    """
    user = User.by_identity(found.subject)
    if user is None and found.email:
        user = User.by_email(found.email) or _join_all(found)
        if user is not None and user.identity is None:
            user.identity = found.subject
            Activity.record("connect provider", user)
    if user is None or user.identity != found.subject or not user.active:
        raise Refused("Nobody here has your e-mail, as far as it is verified there. Ask an admin to invite you.")
    return user


def _join_all(found: Identity) -> User | None:
    """By all invitations that are open for the e-mail."""
    links = Link.for_email(found.email)
    if not links:
        return None
    user = join(links[0], found.name, None)
    for link in links[1:]:
        accept(link, user)
    return user


def _use(link: Link, user: User) -> None:
    link.use()
    Activity.record("accept invitation", user, shop_id=link.shop_id, what=_as(link))


def _as(link: Link) -> str:
    return f"{link.role} of {link.shop.slug}" if link.shop else "owner of every shop"


def give(by: User | None, person: User, wanted: Mapping[Shop, Role | None], why: str = "") -> bool:
    """Other roles in these shops (None: they don't see it any more); the rest stays. Whether anything is other."""
    _check_other(by, person)
    if person.owns:
        raise Refused(f"{person.name} is an owner, and has no role of one shop.")
    if by is not None and any(not by.reaches(Role.admin, shop.id) for shop in wanted):
        raise Refused("Only admins of a shop say who is what there.")
    before = person.rights
    changed = {shop: role for shop, role in wanted.items() if before.get(shop) is not role}
    if not changed:
        return False
    person.set_rights({shop: role for shop, role in {**before, **changed}.items() if role in OF_SHOPS})
    for shop, role in changed.items():
        was = before.get(shop) or "nothing"
        what = f"{person.email}: from {was} to {role or 'nothing'} in {shop.slug}"
        Activity.record("set role", by, shop_id=shop.id, why=why.strip(), what=what)
    return True


def make_owner(by: User | None, person: User, why: str = "") -> None:
    _check_other(by, person)
    if by is not None and not by.owns:
        raise Refused("Only an owner makes an owner.")
    person.make_owner()
    Activity.record("set role", by, why=why.strip(), what=f"{person.email}: owner of every shop")


def end_ownership(by: User | None, person: User, rights: Mapping[Shop, Role], why: str = "") -> None:
    """From owner to a role in these shops. `Refused` for the last owner."""
    _check_other(by, person)
    if by is not None and not by.owns:
        raise Refused("Only an owner says who else is one.")
    if not rights:
        raise Refused("Give them a role in a shop first, or switch them off.")
    person.set_rights(rights)
    for shop, role in rights.items():
        what = f"{person.email}: from owner of every shop to {role} in {shop.slug}"
        Activity.record("set role", by, shop_id=shop.id, why=why.strip(), what=what)


def switch_off(by: User | None, person: User, why: str) -> None:
    """They are logged out everywhere and can't log in; what they did stays. `ValueError` without a reason."""
    _check_manages(by, person)
    if not why.strip():
        raise ValueError("Say why: the reason is kept with your name.")
    if person.active:
        person.set_active(False)
        _keep("deactivate user", by, person, why)


def switch_on(by: User | None, person: User) -> None:
    _check_manages(by, person)
    if not person.active:
        person.set_active(True)
        _keep("activate user", by, person)


def end_sessions(by: User | None, person: User) -> None:
    _check_manages(by, person)
    person.end_sessions(End.by_admin)
    _keep("end sessions", by, person)


def password_link(by: User | None, person: User) -> str:
    """An address at which whoever opens it sets the person a new password. To be shown once."""
    _check_manages(by, person)
    if not person.active:
        raise Refused(f"{person.name} is switched off.")
    _keep("password link", by, person)
    return Link.make(LinkKind.password, person.email, by, user=person).address()


def reset_second_factor(by: User | None, person: User) -> None:
    """They log in with their password alone, and may set another one up. `Refused` where they have none."""
    _check_manages(by, person)
    factor = SecondFactor.of(person)
    if factor is None:
        raise Refused(f"{person.name} has no second factor.")
    factor.end()
    person.end_sessions(End.by_admin)
    _keep("reset second factor", by, person)


def demand_second_factor(by: User | None, shop: Shop, demanded: bool) -> None:
    """Whether the shop is looked at with a second factor only. Who has none sets it up at their next step."""
    if shop.needs_second_factor is not demanded:
        shop.needs_second_factor = demanded
        said = "a second factor is needed" if demanded else "no second factor is needed"
        Activity.record("settings", by, shop_id=shop.id, what=f"people: {said}")


def _check_other(by: User | None, person: User) -> None:
    _check_is_person(person)
    if by is not None and by.id == person.id:
        raise Refused("Nobody changes their own role: ask another admin, or an owner.")


def _check_manages(by: User | None, person: User) -> None:
    _check_is_person(person)
    if by is not None and by.id == person.id:
        raise Refused("Not for yourself: ask another admin, or an owner.")
    if by is not None and not by.manages(person):
        raise Refused(f"{person.name} sees more than your shops: take their role here, or ask an owner.")


def _check_is_person(user: User) -> None:
    if user.program:
        raise Refused(f"{user.name} is no person: its token says what it may do, and until when.")


def _keep(verb: str, by: User | None, person: User, why: str = "") -> None:
    shop_ids: list[int | None] = [one.shop_id for one in person.memberships]
    for shop_id in shop_ids or [None]:
        Activity.record(verb, by, shop_id=shop_id, why=why.strip(), what=person.email)
