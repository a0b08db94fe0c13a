"""Generic HMAC: a gateway described by settings, for those that have no file of their own here."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from ..domain.values import Message, Reply, Request, Verification
from .base import Area, Example, Found, Gateway, Kind, Preset, Setting, Settings, Signing, Step
from .kit.errors import ReadError
from .kit.fields import FIELD_SETTINGS, found_by_fields, message_by_fields, reply_by_settings, write_fields
from .kit.forms import read_form, split_form
from .kit.places import HEADER, pieces
from .kit.signatures import age_problem, first_match, read_base64, same, same_base64, same_hex

# The gateway's words to ours: the setting `statuses`.

ALGORITHMS = ("md5", "sha1", "sha256", "sha384", "sha512")
COVERED = ("body", "timestamp", "method", "path", "query", "header:", "field:")
LIST = Setting(
    "list",
    "Where the header is a list",
    Kind.table,
    "As t=1700000000,v1=5257a8...: several signatures, or one beside its time. Leave empty where it is one signature.",
    entries=(
        Setting("signature_key", "Name of a signature", Kind.text, default="v1", like="v1"),
        Setting("timestamp_key", "Name of the time", Kind.text, default="t", like="t"),
        Setting("item", "Between items", Kind.exact, default=",", like=","),
        Setting("pair", "Between name and value", Kind.exact, default="=", like="="),
    ),
)
SIGNATURE = Setting(
    "signature",
    "Signature",
    Kind.table,
    "See the gateway's description of how it signs.",
    required=True,
    default={},
    like='{"place": "header", "name": "X-Signature", "encoding": "hex", "template": "{body}"}',
    entries=(
        Setting(
            "place",
            "Place",
            Kind.choice,
            "In a header, in the query of the address, or in a field of the form that is the body.",
            default="header",
            choices=("header", "query", "form"),
        ),
        Setting("name", "Name", Kind.text, "Of the header, parameter or field.", required=True, like="X-Signature"),
        Setting(
            "algorithm",
            "Algorithm",
            Kind.choice,
            default="sha256",
            choices=ALGORITHMS,
        ),
        Setting("encoding", "Encoding", Kind.choice, default="hex", choices=("hex", "base64", "base64url")),
        Setting("prefix", "Prefix", Kind.exact, "What stands before the signature itself.", default="", like="sha256="),
        Setting(
            "template",
            "What is signed",
            Kind.pattern,
            "{body} is the body as it came, {timestamp}.{body} the time, a dot and the body. There is {method}, "
            "{path}, {query}, {header:Name} and {field:name} too; what stands between them is signed as it is.",
            default="{body}",
            choices=COVERED,
            offers=("{body}", "{timestamp}.{body}"),
        ),
        Setting(
            "secret_encoding",
            "The secret is written in",
            Kind.choice,
            "utf8 is the secret as it is.",
            default="utf8",
            choices=("utf8", "hex", "base64"),
        ),
        LIST,
    ),
)
TIMESTAMP = Setting(
    "timestamp",
    "Time of the signature",
    Kind.table,
    "Leave empty where no time is signed.",
    entries=(
        Setting("header", "Header", Kind.text, "Empty where it stands in the signature's list.", like="X-Timestamp"),
        Setting("unit", "Unit", Kind.choice, default="s", choices=("s", "ms", "iso8601")),
        Setting("tolerance", "Allowed age, in seconds", Kind.number, "When it arrives, either way.", default=300),
    ),
)


def _signs(key: str, title: str, help_: str = "", timestamp: Settings | None = None, **signature: Any) -> Preset:
    return Preset(key, title, {"signature": signature, "timestamp": timestamp or {}}, help_)


PRESETS = (
    _signs("hex", "Hex of the body, in a header", "Enter the header's own name.", name="X-Signature"),
    _signs("base64", "Base64 of the body, in a header", "", name="X-Signature", encoding="base64"),
    _signs("github", "As GitHub: X-Hub-Signature-256: sha256=...", name="X-Hub-Signature-256", prefix="sha256="),
    _signs(
        "hub", "As PubSubHubbub: X-Hub-Signature: sha1=...", name="X-Hub-Signature", algorithm="sha1", prefix="sha1="
    ),
    _signs("shopify", "As Shopify: base64 in X-Shopify-Hmac-Sha256", name="X-Shopify-Hmac-Sha256", encoding="base64"),
    _signs(
        "woocommerce",
        "As WooCommerce: base64 in X-WC-Webhook-Signature",
        name="X-WC-Webhook-Signature",
        encoding="base64",
    ),
    _signs(
        "typeform",
        "As Typeform: sha256= and base64",
        name="Typeform-Signature",
        encoding="base64",
        prefix="sha256=",
    ),
    _signs(
        "stripe",
        "As Stripe: t=...,v1=...",
        "Enter the header's own name.",
        timestamp={"unit": "s", "tolerance": 300},
        name="Stripe-Signature",
        template="{timestamp}.{body}",
        list={"signature_key": "v1", "timestamp_key": "t"},
    ),
    _signs(
        "slack",
        "As Slack: v0=..., with the time in a header",
        timestamp={"header": "X-Slack-Request-Timestamp", "unit": "s", "tolerance": 300},
        name="X-Slack-Signature",
        prefix="v0=",
        template="v0:{timestamp}:{body}",
    ),
    _signs(
        "zendesk",
        "As Zendesk: base64 of an ISO time and the body",
        timestamp={"header": "X-Zendesk-Webhook-Signature-Timestamp", "unit": "iso8601", "tolerance": 300},
        name="X-Zendesk-Webhook-Signature",
        encoding="base64",
        template="{timestamp}{body}",
    ),
    _signs(
        "standardwebhooks",
        "As Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature",
        "Enter the secret without whsec_. The gateway Standard Webhooks / Svix does all of this by itself.",
        timestamp={"header": "webhook-timestamp", "unit": "s", "tolerance": 300},
        name="webhook-signature",
        encoding="base64",
        template="{header:webhook-id}.{timestamp}.{body}",
        secret_encoding="base64",
        list={"signature_key": "v1", "item": " ", "pair": ","},
    ),
)


class GenericHmac(Gateway):
    name = "generic_hmac"
    title = "Generic HMAC"
    letters = "HM"
    check = "HMAC of what the account's template names, in a header, a query parameter or a form field"
    tested = "an independent reader of the same settings"
    described = True
    presets = PRESETS
    area = Area.any
    countries = "Any country"
    steps = (
        Step(
            "Look up in the gateway's own documents what it signs, with which algorithm, and where the signature "
            "stands.",
        ),
        Step(
            "Enter this account's address where the gateway takes one, or have your shop send it with each "
            "payment, and enter the signing secret here.",
        ),
        Step(
            "Say here where the signature stands, how it is written, and what is signed.",
        ),
        Step(
            "Say where order number, amount, currency and status stand, and which of its words mean paid, failed "
            "and refunded.",
        ),
        Step(
            "Make a test payment there and open what came: it says what did not fit, and can be retried once that "
            "is mended.",
        ),
    )
    settings = (
        SIGNATURE,
        Setting(
            "secrets",
            "Secrets",
            Kind.secrets,
            "The signing secret from the gateway's back office, often beside the callback address.",
            required=True,
        ),
        TIMESTAMP,
        *FIELD_SETTINGS,
    )

    def faults(self, settings: Settings) -> dict[str, str]:
        if not settings.keys() >= {"signature", "timestamp"}:
            return {}
        rule, time = _rule(settings), settings["timestamp"] or {}
        covered = set(pieces(rule["template"], COVERED)[1::2])
        faults = {}
        if rule["place"] == "header" and not HEADER.fullmatch(rule["name"]):
            faults["signature.name"] = "is no name of a header"
        if rule["place"] != "header" and rule["list"]:
            faults["signature.list"] = "must be empty: only a header holds a list"
        if rule["place"] == "form" and "body" in covered:
            faults["signature.template"] = "can't name {body}: the signature itself stands in it; name its {field:...}"
        elif "body" not in covered and not any(name.startswith("field:") for name in covered):
            faults["signature.template"] = "must cover {body} or a {field:Name}: else anybody could change the content"
        elif "timestamp" in covered and not time.get("header") and not rule["list"]:
            faults["signature.template"] = "names {timestamp}, but no setting says where the time stands"
        if time.get("header") and not HEADER.fullmatch(time["header"]):
            faults["timestamp.header"] = "is no name of a header"
        elif time and not time.get("header") and not rule["list"]:
            faults["timestamp.header"] = "is needed, as the signature is no list that holds the time"
        if any(_digest(rule, secret, b"") is None for secret in settings.get("secrets", ())):
            faults["signature.secret_encoding"] = f"does not fit: a secret can't be read as {rule['secret_encoding']}"
        return faults

    def verify(self, request: Request, settings: Settings) -> Verification:
        rule = _rule(settings)
        try:
            form = _form(request, rule, settings)
        except ReadError as error:
            return Verification.not_genuine(str(error), unreadable=True)
        try:
            signatures, time = _read_signature(request, rule, settings, form)
            signed = _signed(request, rule, form, time)
        except ReadError as error:
            return Verification.not_genuine(str(error))
        matched = first_match(settings["secrets"], lambda secret: _fits(rule, secret, signed, signatures))
        if matched is None:
            return Verification.not_genuine("No signature fits a live secret.")
        if settings["timestamp"]:
            turned_away = _by_its_time(time, request, settings["timestamp"])
            if turned_away:
                return turned_away
        return Verification.genuine(matched=matched)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        return (message_by_fields(request.body, request.header, settings),)

    def signing(self, request: Request, settings: Settings) -> Signing | None:
        rule = _rule(settings)
        try:
            form = _form(request, rule, settings)
            signatures, time = _read_signature(request, rule, settings, form)
            signed = _signed(request, rule, form, time)
        except ReadError:
            return None
        return Signing(signed, tuple(signatures), tuple(_write(rule, secret, signed) for secret in settings["secrets"]))

    def found(self, request: Request, settings: Settings) -> dict[str, Found]:
        return found_by_fields(request.body, request.header, settings)

    def reply(self, request: Request, settings: Settings) -> Reply:
        return reply_by_settings(settings)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        written, rule = write_fields(message, settings), _rule(settings)
        if written is None or rule["place"] not in ("header", "query", "form"):
            return None
        body, headers = written
        time, listed = _write_time(at, settings), rule["list"]
        content = "application/json" if settings["content"] == "json" else "application/x-www-form-urlencoded"
        headers.append(("Content-Type", content))
        if settings["timestamp"] and settings["timestamp"].get("header"):
            headers.append((settings["timestamp"]["header"], time))
        named = set(re.findall(r"\{header:([^}]+)\}", rule["template"])) - {name for name, _ in headers}
        headers += [(name, "example") for name in sorted(named)]
        request = Request("POST", "/", b"", tuple(headers), body, "127.0.0.1", at)
        try:
            signed = _signed(request, rule, _form(request, rule, settings), time)
        except ReadError:
            return None  # the template names a field that no setting says how to fill
        signature = _write(rule, settings["secrets"][0], signed)
        if listed:
            pairs = ((listed["timestamp_key"], time), (listed["signature_key"], signature))
            signature = listed["item"].join(f"{name}{listed['pair']}{value}" for name, value in pairs)
        added = urlencode({rule["name"]: signature}).encode()
        if rule["place"] == "form":
            return Example(replace(request, body=body + b"&" + added))
        if rule["place"] == "query":
            return Example(replace(request, query=added))
        return Example(replace(request, headers=(*headers, (rule["name"], signature))))


def _rule(settings: Settings) -> dict[str, Any]:
    """How it is signed, with all defaults."""
    rule = SIGNATURE.defaults | {key: value for key, value in settings["signature"].items() if value is not None}
    if rule["list"]:
        rule["list"] = LIST.defaults | {key: value for key, value in rule["list"].items() if value}
    return rule


def _form(request: Request, rule: Mapping[str, Any], settings: Settings) -> dict[str, str]:
    """The body's form fields, where the check or the content needs them; an error where one comes twice."""
    needed = settings["content"] == "form" or rule["place"] == "form" or "{field:" in rule["template"]
    return read_form(request.body) if needed and request.body else {}


def _read_signature(
    request: Request, rule: Mapping[str, Any], settings: Settings, form: dict[str, str]
) -> tuple[list[str], str | None]:
    """The signatures, and the text of the time they were made at."""
    name, timestamp = str(rule.get("name")), settings["timestamp"] or {}
    places = {
        "header": request.header_values(name),
        "query": [value.decode("utf-8", "replace") for key, value in split_form(request.query) if key == name.encode()],
        "form": [form[name]] if name in form else [],
    }
    found = places.get(rule["place"], [])
    if len(found) != 1:
        raise ReadError(f"The signature {name} is missing or came twice.")
    times = request.header_values(timestamp["header"]) if timestamp.get("header") else []
    listed = rule["list"]
    if listed:
        pairs = [item.partition(listed["pair"]) for item in found[0].split(listed["item"])]
        found = [value.strip() for key, _, value in pairs if key.strip() == listed["signature_key"]]
        times = times or [value.strip() for key, _, value in pairs if key.strip() == listed["timestamp_key"]]
    return found, times[0] if len(times) == 1 else None


def _signed(request: Request, rule: Mapping[str, Any], form: dict[str, str], time: str | None) -> bytes:
    """The template filled in. An error where what it names is missing: missing is not empty."""

    def part(name: str) -> bytes:
        kind, _, rest = name.partition(":")
        parts: dict[str, bytes | str | None] = {
            "body": request.body,
            "query": request.query,
            "method": request.method,
            "path": request.path,
            "timestamp": time,
            "field": form.get(rest),
        }
        value = parts.get(kind)
        if kind == "header":
            header = request.header(rest)
            value = header.encode("latin-1", "replace") if header is not None else None
        if value is None:
            raise ReadError(f"The signature covers {name}, which is missing or came twice.")
        return value if isinstance(value, bytes) else value.encode("utf-8", "replace")

    cut = pieces(rule["template"], COVERED)
    return b"".join(part(piece) if at % 2 else piece.encode() for at, piece in enumerate(cut))


def _digest(rule: Mapping[str, Any], secret: str, signed: bytes) -> bytes | None:
    """None where the secret can't be read or the settings name an unknown way of signing: that fits nothing."""
    readers: dict[str, Callable[[str], bytes | None]] = {
        "utf8": str.encode,
        "hex": bytes.fromhex,
        "base64": read_base64,
    }
    try:
        key = readers[rule["secret_encoding"]](secret)
    except (KeyError, ValueError):
        return None
    return hmac.new(key, signed, rule["algorithm"]).digest() if key and rule["algorithm"] in ALGORITHMS else None


def _fits(rule: Mapping[str, Any], secret: str, signed: bytes, signatures: list[str]) -> bool:
    digest = _digest(rule, secret, signed)
    if digest is None:
        return False
    return any([_same(signature, digest, rule) for signature in signatures])


def _same(signature: str, digest: bytes, rule: Mapping[str, Any]) -> bool:
    if not signature.startswith(rule["prefix"]):
        return False
    given = signature.removeprefix(rule["prefix"])
    match rule["encoding"]:
        case "hex":
            return same_hex(given, digest)
        case "base64":
            return same_base64(given, digest)
        case "base64url":
            return same(given.rstrip("="), _encode(digest, "base64url"))
    return False


def _write(rule: Mapping[str, Any], secret: str, signed: bytes) -> str:
    """The signature as it is sent."""
    return str(rule["prefix"]) + _encode(_digest(rule, secret, signed) or b"", rule["encoding"])


def _encode(digest: bytes, encoding: str) -> str:
    if encoding == "hex":
        return digest.hex()
    if encoding == "base64":
        return base64.b64encode(digest).decode()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _by_its_time(time: str | None, request: Request, timestamp: Mapping[str, Any]) -> Verification | None:
    """Not genuine, where the time is missing, unreadable, or too far from the arrival."""
    at = _read_time(time or "", timestamp.get("unit") or "s")
    if at is None:
        return Verification.not_genuine("The signature fits, but its time is missing or can't be read.")
    problem = age_problem(at, request.arrived_at, timestamp.get("tolerance", 300))
    return Verification.not_genuine(problem, mistimed=True) if problem else None


def _read_time(time: str, unit: str) -> float | None:
    if unit == "iso8601":
        try:
            at = datetime.fromisoformat(time)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    if unit not in ("s", "ms") or not re.fullmatch(r"\d{1,15}", time, re.ASCII):
        return None
    return int(time) / (1000 if unit == "ms" else 1)


def _write_time(at: datetime, settings: Settings) -> str:
    match (settings["timestamp"] or {}).get("unit"):
        case "iso8601":
            return at.isoformat()
        case "ms":
            return str(int(at.timestamp() * 1000))
    return str(int(at.timestamp()))
