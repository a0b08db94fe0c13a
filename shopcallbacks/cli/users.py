"""`flask users`: who may log in, and what they may do where."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from ..shops.acts import Activity
from ..shops.users import Role, User
from .base import find_shop, plain_errors, table

users = AppGroup("users", help="Who may log in, and what they may do where.")

role_type = click.Choice([*Role])
shops_option = click.option("--shop", "slugs", multiple=True, help="A shop they see (repeatable); owners see all.")
password_option = click.password_option(envvar="USER_PASSWORD", help="Asked for at a prompt, or from USER_PASSWORD.")
why_option = click.option("--why", default="", help="The reason, kept in Activity.")


@users.command("list")
def list_users() -> None:
    """All users."""
    rows = [
        (u.email, u.name, u.role, "all" if u.owns else ", ".join(s.slug for s in u.shops), "on" if u.active else "off")
        for u in User.every()
    ]
    table(rows, ("E-MAIL", "NAME", "ROLE", "SHOPS", "STATE"))


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
    user = find_user(email)
    user.set_active(False)
    Activity.record("deactivate user", None, why=why, what=user.email)


@users.command("activate")
@click.argument("email")
@why_option
@plain_errors
def activate(email: str, why: str) -> None:
    """Switch a user on again."""
    user = find_user(email)
    user.set_active(True)
    Activity.record("activate user", None, why=why, what=user.email)


@users.command("set-role")
@click.argument("email")
@click.argument("role", type=role_type)
@shops_option
@why_option
@plain_errors
def set_role(email: str, role: str, slugs: tuple[str, ...], why: str) -> None:
    """Give a user another role, in the shops they see or in those named; they log in again."""
    user = find_user(email)
    given, kept = [find_shop(slug) for slug in slugs], [] if Role(role) is Role.owner else user.memberships
    user.set_rights(Role(role), given or kept)
    Activity.record("set role", None, why=why, what=f"{user.email}: {_rights(user)}")


@users.command("set-shops")
@click.argument("email")
@click.argument("slugs", metavar="[SHOP...]", nargs=-1)
@why_option
@plain_errors
def set_shops(email: str, slugs: tuple[str, ...], why: str) -> None:
    """Say which shops a user sees, instead of those they see now; they log in again."""
    user = find_user(email)
    user.set_rights(user.role, [find_shop(slug) for slug in slugs])
    Activity.record("set shops", None, why=why, what=f"{user.email}: {_rights(user)}")


def find_user(email: str) -> User:
    user = User.by_email(email)
    if user is None:
        raise ValueError(f"There is no user {email!r}.")
    return user


def _rights(user: User) -> str:
    of = "every shop" if user.owns else ", ".join(shop.slug for shop in user.memberships) or "no shop"
    return f"{user.role} of {of}"
