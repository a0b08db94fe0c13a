"""docs/gateways.md, written from the gateways' own descriptions: `flask --app app gateways docs`. Not a gateway."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from ..domain.values import Reply, Request
from ..gateways import GATEWAYS
from ..gateways.base import Gateway, Kind, Setting
from ..gateways.settings import complete

HEAD = """\
# Gateways

Written from the code by `flask --app app gateways docs > docs/gateways.md`; a test keeps it so.

- **Verified**: what must fit before a callback is believed.
- **Asked**: whether the gateway's own hosts are asked, and whether they are told when the result is stored.
- **Settings**: those in bold are needed. Secrets are marked with \N{KEY}; where it says several, several can be live.
- **Reply**: what the gateway hears once its callback is stored.
- **Numbered**: how it is set up; "here" is the account's page, Settings > Gateways, which shows its address.
- **Tested against**: what the check was run on, besides the vectors in `tests/gateways/vectors/`.

Any other gateway that signs with HMAC is connected by settings alone, as Generic HMAC. To add one in code:
[adding a gateway](adding-a-gateway.md).
"""
NOTHING = Request("POST", "/", b"", (), b"", "", datetime(2000, 1, 1, tzinfo=UTC))


def document() -> str:
    """The whole page."""
    gateways = sorted(GATEWAYS.values(), key=lambda gateway: gateway.title.lower())
    rows = [
        (
            f"[{gateway.title}](#{gateway.name.replace('_', '-')})",
            gateway.check,
            _asked(gateway),
            ", ".join(_named(setting) for setting in gateway.settings),
            _replies(gateway),
            gateway.tested,
        )
        for gateway in gateways
    ]
    table = _table(("Gateway", "Verified", "Asked", "Settings", "Reply", "Tested against"), rows)
    return "\n".join((HEAD, *table, "", *(line for gateway in gateways for line in _section(gateway))))


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in (heads, ("---",) * len(heads), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _section(gateway: Gateway) -> Iterator[str]:
    yield f'<a id="{gateway.name.replace("_", "-")}"></a>'
    yield f"## {gateway.title}"
    yield ""
    methods = " or ".join(gateway.methods)
    yield f"`{gateway.name}`, by {methods}." + (f" [The gateway's own pages]({gateway.docs})." if gateway.docs else "")
    yield ""
    yield from _list(gateway.settings)
    yield ""
    for count, step in enumerate(gateway.steps, start=1):
        yield f"{count}. {step.text}" + (f" [There]({step.link})." if step.link else "")
    yield ""


def _list(settings: Iterable[Setting], indent: str = "") -> Iterator[str]:
    for setting in settings:
        yield f"{indent}- {_named(setting)}: {setting.label}. {_kind(setting)}{setting.help}".rstrip()
        yield from _list(setting.entries, indent + "  ")


def _named(setting: Setting) -> str:
    name = f"**`{setting.key}`**" if setting.required else f"`{setting.key}`"
    return f"{name} \N{KEY}" if setting.is_secret else name


def _kind(setting: Setting) -> str:
    """What can be entered, and what counts where nothing is."""
    can_be = f"One of {', '.join(map(_code, setting.choices))}. " if setting.kind is Kind.choice else ""
    if setting.is_words:
        can_be = f"Each of the gateway's words to one of {', '.join(map(_code, setting.choices))}. "
    if setting.kind is Kind.choices:
        can_be = f"Some of {', '.join(map(_code, setting.choices))}. "
    if setting.kind is Kind.secrets:
        parts = f", each with {' and '.join(setting.parts)}" if setting.parts else ""
        can_be = f"Several{parts}. "
    default = setting.default
    return can_be + (f"Unless set {_code(default)}. " if default not in (None, "", [], {}) else "")


def _code(value: Any) -> str:
    return ", ".join(map(_code, value)) if isinstance(value, list) else f"`{value}`"


def _asked(gateway: Gateway) -> str:
    """Found out from `asks` itself: of an account with nothing but defaults, and with each setting more."""
    switches = [s.label for s in gateway.settings if gateway.asks(complete(gateway, {s.key: "given"}))]
    if gateway.asks(complete(gateway, {})):
        asked = "yes" if gateway.speaks else "yes: the callback is only a bell"
    elif switches:
        asked = f"with {' or '.join(switches).lower()}"
    else:
        return "no"
    told = type(gateway).acknowledge is not Gateway.acknowledge
    return f"{asked}; told when the result is stored" if told else asked


def _replies(gateway: Gateway) -> str:
    """Found out from `reply` itself, with each choice there is."""
    given = [{}, *({s.key: choice} for s in gateway.settings if s.kind is Kind.choice for choice in s.choices)]
    found = [_reply(gateway.reply(NOTHING, complete(gateway, settings))) for settings in given]
    own = "what is set" if any(setting.key == "reply" for setting in gateway.settings) else ""
    signed = "a challenge is answered" if gateway.signs_reply else ""
    return ", or ".join(dict.fromkeys(filter(None, (*found, own, signed))))


def _reply(reply: Reply) -> str:
    return f"{reply.status} `{reply.body}`" if reply.body else str(reply.status)
