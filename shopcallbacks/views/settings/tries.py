"""A pasted request, read with the settings as they stand in the form: nothing is saved, sent or kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...gateways.base import Gateway
from ...gateways.settings import BadSettings, check
from ...processing.trying import Line, tried
from ...shops.accounts import GatewayAccount, Mode
from ..screens import now
from . import form, pasted


@dataclass(frozen=True)
class Tried:
    """What was found, line by line; or why it can't be tried, in sentences."""

    lines: tuple[Line, ...] = ()
    why_not: tuple[str, ...] = ()


def run(gateway: Gateway, sent: form.Form, account: GatewayAccount | None = None) -> Tried:
    """By the code that reads callbacks. The secrets of the account stand in where none is typed."""
    test = sent.get("mode", type=Mode) is Mode.test
    complete: Callable[[dict[str, Any]], dict[str, Any]] = partial(account.with_secrets, test=test) if account else dict
    try:
        settings = check(gateway, complete(form.read(gateway, sent, test, complete)))
        requests = pasted.read(sent.get("request", ""), account.callback_path if account else "/", now())
    except BadSettings as error:
        fields = form.typed(gateway, sent, error.problems)
        return Tried(why_not=tuple(sentence for one in fields for sentence in one.wrong))
    except pasted.NotPasted as error:
        return Tried(why_not=(str(error),))
    return Tried(tuple(tried(gateway, settings, requests, account.reading if account else None)))
