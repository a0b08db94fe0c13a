"""`flask users`: who may log in."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from ..shops.acts import Activity
from ..shops.users import Role, User
from .base import find_shop, plain_errors, table

users = AppGroup("users", help="Who may log in.")


@users.command("list")
def list_users() -> None:
    """All users."""
    rows = [(u.email, u.name, u.role, ", ".join(s.slug for s in u.shops), u.active) for u in User.every()]
    table(rows, ("E-MAIL", "NAME", "ROLE", "SHOPS", "ACTIVE"))


@users.command("add")
@click.argument("email")
@click.option("--name", default="")
@click.option("--role", type=click.Choice([*Role]), default=Role.manager, show_default=True)
@click.option("--shop", "slugs", multiple=True, help="A shop they see (repeatable); admins see all.")
@click.password_option(envvar="USER_PASSWORD", help="Asked for at a prompt, or from USER_PASSWORD.")
@plain_errors
def add_user(email: str, name: str, role: str, slugs: tuple[str, ...], password: str) -> None:
    """Add a user."""
    user = User.add(email, name, Role(role), password, [find_shop(slug) for slug in slugs])
    Activity.record("add user", None, what=user.email)
    click.echo(f"User {user.email} added.")


@users.command("set-password")
@click.argument("email")
@click.password_option(envvar="USER_PASSWORD")
@plain_errors
def set_password(email: str, password: str) -> None:
    """Set a user's password."""
    user = User.by_email(email)
    if user is None:
        raise ValueError(f"There is no user {email!r}.")
    user.set_password(password)
    Activity.record("set password", None, what=user.email)
