"""`flask users`: who may log in, and what they may do where."""

from __future__ import annotations

from datetime import datetime

import click
from flask.cli import AppGroup

from ..shops import people
from ..shops.accounts import Shop
from ..shops.acts import Activity
from ..shops.sessions import UserSession
from ..shops.users import OF_SHOPS, Role, User
from .base import find_shop, plain_errors, table

users = AppGroup("users", help="Who may log in, and what they may do where.")

role_type = click.Choice([*Role])
shops_option = click.option("--shop", "slugs", multiple=True, help="A shop they see (repeatable); owners see all.")
password_option = click.password_option(envvar="USER_PASSWORD", help="Asked for at a prompt, or from USER_PASSWORD.")
why_option = click.option("--why", default="", help="The reason, kept in Activity.")


@users.command("list")
def list_users() -> None:
    """All users."""
    users = User.every()
    seen = UserSession.last_seen(user.id for user in users)
    rows = [(u.email, u.name, _rights(u), "on" if u.active else "off", _moment(seen.get(u.id))) for u in users]
    table(rows, ("E-MAIL", "NAME", "RIGHTS", "STATE", "LAST SEEN"))


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "never"


@users.command("add")
@click.argument("email")
@click.option("--name", default="")
@click.option("--role", type=role_type, default=Role.manager, show_default=True)
@shops_option
@password_option
@plain_errors
def add_user(email: str, name: str, role: str, slugs: tuple[str, ...], password: str) -> None:
    """Add a user.

    A viewer reads, a manager acts on callbacks too, an admin sets up their shops too; an owner does all of that in
    every shop.
    """
    user = User.add(email, name, Role(role), password, [find_shop(slug) for slug in slugs])
    Activity.record("add user", None, what=f"{user.email}: {_rights(user)}")
    click.echo(f"User {user.email} added.")


@users.command("invite")
@click.argument("email")
@click.option("--role", type=role_type, default=Role.manager, show_default=True)
@click.option("--shop", "slug", help="The shop they are invited to; none for an owner.")
@plain_errors
def invite(email: str, role: str, slug: str | None) -> None:
    """Invite somebody: prints a link that works once, for 7 days."""
    click.echo(people.invite(None, email, Role(role), find_shop(slug) if slug else None).address())


@users.command("password-link")
@click.argument("email")
@plain_errors
def password_link(email: str) -> None:
    """Print a link at which a user sets a new password: it works once, for an hour."""
    click.echo(people.password_link(None, find_user(email)))


@users.command("reset-second-factor")
@click.argument("email")
@plain_errors
def reset_second_factor(email: str) -> None:
    """For who lost their telephone and their recovery codes: they log in with the password alone."""
    people.reset_second_factor(None, find_user(email))


@users.command("end-sessions")
@click.argument("email")
@plain_errors
def end_sessions(email: str) -> None:
    """Log a user out everywhere."""
    people.end_sessions(None, find_user(email))


@users.command("set-password")
@click.argument("email")
@password_option
@plain_errors
def set_password(email: str, password: str) -> None:
    """Set a user's password; they are logged out everywhere."""
    user = find_user(email)
    user.set_password(password)
    Activity.record("set password", None, what=user.email)


@users.command("deactivate")
@click.argument("email")
@why_option
@plain_errors
def deactivate(email: str, why: str) -> None:
    """Switch a user off: they are logged out everywhere, and can't log in. What they did stays."""
    _switch(email, False, "deactivate user", why)


@users.command("activate")
@click.argument("email")
@why_option
@plain_errors
def activate(email: str, why: str) -> None:
    """Switch a user on again."""
    _switch(email, True, "activate user", why)


def _switch(email: str, active: bool, act: str, why: str) -> None:
    user = find_user(email)
    user.set_active(active)
    Activity.record(act, None, why=why, what=user.email)


@users.command("set-role")
@click.argument("email")
@click.argument("role", type=role_type)
@shops_option
@why_option
@plain_errors
def set_role(email: str, role: str, slugs: tuple[str, ...], why: str) -> None:
    """Give a user another role, in all shops they see or in those named; they log in again."""
    user, shops = find_user(email), [find_shop(slug) for slug in slugs]
    if Role(role) is not Role.owner:
        _give(user, user.rights | dict.fromkeys(shops or user.rights, Role(role)))
    elif shops:
        raise ValueError("An owner sees every shop: name none.")
    else:
        user.make_owner()
    Activity.record("set role", None, why=why, what=f"{user.email}: {_rights(user)}")


@users.command("set-shops")
@click.argument("email")
@click.argument("slugs", metavar="[SHOP...]", nargs=-1)
@click.option("--role", type=click.Choice([*OF_SHOPS]), help="In those they don't see yet; viewer unless given.")
@why_option
@plain_errors
def set_shops(email: str, slugs: tuple[str, ...], role: str | None, why: str) -> None:
    """Say which shops a user sees, instead of those they see now; they log in again."""
    user, shops = find_user(email), [find_shop(slug) for slug in slugs]
    _give(user, {shop: user.rights.get(shop, Role(role or Role.viewer)) for shop in shops})
    Activity.record("set shops", None, why=why, what=f"{user.email}: {_rights(user)}")


def _give(user: User, rights: dict[Shop, Role]) -> None:
    if not rights:
        raise ValueError("They would see no shop: name at least one, or switch them off.")
    user.set_rights(rights)


def find_user(email: str) -> User:
    user = User.by_email(email)
    if user is None:
        raise ValueError(f"There is no user {email!r}.")
    return user


def _rights(user: User) -> str:
    """ "admin of books, viewer of toys"."""
    if user.owns:
        return "owner of every shop"
    given = user.rights
    of = {role: ", ".join(shop.slug for shop in user.shops if given[shop] is role) for role in reversed(OF_SHOPS)}
    return "; ".join(f"{role} of {slugs}" for role, slugs in of.items() if slugs) or "no shop"
