"""Before settings of an account are saved: what they would do to what waits there."""

from __future__ import annotations

from collections.abc import Callable

from flask import render_template

from ...callbacks.callback import Callback
from ...domain.errors import Reason
from ...gateways.settings import BadSettings
from ...processing.prospects import Prospect, prospect, would
from ...shops.accounts import GatewayAccount
from ..screens import written


def foretold(account: GatewayAccount, change: Callable[[], object]) -> str:
    """What the change would do, in sentences; what is wrong with it, where it can't be made."""
    try:
        return would(account, change).told(account.gateway.title, written())
    except BadSettings as error:
        return f"This can't be saved yet: it {next(iter(error.problems.values()))}."


def shown(sentence: str) -> str:
    """For the form that asks, while something is typed."""
    return render_template("settings/accounts/_foretold.html", sentence=sentence)


def passing(account: GatewayAccount) -> Prospect:
    """What comes of those whose check failed, as the account is set up now."""
    return prospect(account, Callback.reason == Reason.not_genuine)
