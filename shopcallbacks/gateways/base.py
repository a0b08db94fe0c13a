"""What a gateway is: one file, pure functions of values. It verifies, interprets and replies; it never does I/O.

A gateway that must be asked writes `verify` as a generator: it yields each `Ask`, is sent the `Answer` (or `NoAnswer`),
and returns its `Verification`. Who drives the generator does the network.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from ..domain.values import Answer, Ask, Asking, Message, Reply, Request, Verification

Settings = Mapping[str, Any]


class Kind(StrEnum):
    """How a setting is entered and kept."""

    text = "text"  # str
    exact = "exact"  # str, blanks at its ends and all
    place = "place"  # str: where in a request a value stands, see `kit.fields`
    pattern = "pattern"  # str, of several lines; `choices` say what may stand in its braces
    texts = "texts"  # list of str
    number = "number"  # int
    choice = "choice"  # one of `choices`
    choices = "choices"  # list of some of `choices`
    table = "table"  # JSON object: of `entries`, or of the gateway's own words, each with one of `choices`
    secret = "secret"  # str, encrypted, write-only
    secrets = (
        "secrets"  # list of str (with `parts`: of objects or lists), encrypted, write-only, several live at a time
    )


@dataclass(frozen=True)
class Setting:
    """One setting of a gateway account. `help` says where to find it in the gateway's own back office.

    `default` None on a setting that is not `required` means "not used".
    `entries`: the keys of a table, each a setting of its own; their `default` counts where the key is missing.
    `choices` of a pattern: what may stand in its braces; one that ends in a colon is followed by a name.
    `offers`: what a text often is. `least` and `most`: of a number.
    `parts`: a secret that is several texts entered together; `keyed` keeps them as an object, else as a list.
    """

    key: str
    label: str
    kind: Kind
    help: str = ""
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    entries: tuple[Setting, ...] = ()
    offers: tuple[str, ...] = ()
    least: int = 0
    most: int | None = None
    parts: tuple[str, ...] = ()
    keyed: bool = False
    multiline: bool = False  # a text of several lines, a PEM block
    like: str = ""  # what it may look like, where the help alone does not show it
    live_keys: tuple[str, ...] = ()  # how those of the gateway's live system begin, where they tell
    test_keys: tuple[str, ...] = ()  # and those of its test system

    @property
    def is_secret(self) -> bool:
        return self.kind in (Kind.secret, Kind.secrets)

    def other_mode(self, value: Any, test: bool) -> str | None:
        """How it begins, where that shows it to be of the gateway's other system than the account's; else None."""
        others = self.live_keys if test else self.test_keys
        return next((start for start in others if isinstance(value, str) and value.startswith(start)), None)

    @property
    def is_words(self) -> bool:
        """A table of the gateway's words and ours."""
        return self.kind is Kind.table and bool(self.choices)

    @property
    def in_fields(self) -> bool:
        """A table that is entered in fields, as JSON only where one likes."""
        return self.is_words or bool(self.entries)

    @property
    def defaults(self) -> dict[str, Any]:
        """Of a table: what counts where a key is missing."""
        return {entry.key: entry.default for entry in self.entries}


AUTHORISED = Setting(
    "authorised",
    "An authorised, not yet captured payment counts as",
    Kind.choice,
    "Paid where capture is automatic; pending where you capture by hand when the goods go out.",
    default="paid",
    choices=("paid", "pending"),
)

FEE_BEARER = Setting(
    "fee_bearer",
    "Who bears the gateway's fee",
    Kind.choice,
    "As it is set at the gateway. customer: it charges its fee on top, so the order's amount is what is left "
    "without it.",
    default="shop",
    choices=("shop", "customer"),
)


class Area(StrEnum):
    """Where a gateway is used most; `any`: what is no certain gateway."""

    europe = "Europe"
    americas = "The Americas"
    asia = "Asia"
    africa = "Africa"
    worldwide = "Worldwide"
    any = "Any other gateway"


@dataclass(frozen=True)
class Step:
    """One thing to do so that the gateway calls: a sentence. `link`: where, in its back office or its documents."""

    text: str
    link: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.link).hostname or ""


@dataclass(frozen=True)
class Example:
    """A genuine request, and the answers the gateway would give, in order, when asked about it."""

    request: Request
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Preset:
    """How known senders sign: settings that take the place of those of the same keys. `title` ends "As ..."."""

    key: str
    title: str
    settings: Settings
    help: str = ""


@dataclass(frozen=True)
class Signing:
    """What a request's signature covers, what it carries, and what it should be, one for each secret."""

    signed: bytes
    given: tuple[str, ...]
    computed: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What stands in a request at the place the settings name; `text` None: nothing."""

    place: str
    text: str | None


class Gateway(ABC):
    """One kind of payment gateway.

    `name` is its word in settings, URLs and vectors, `title` what a manager reads, `letters` its two-letter badge.
    `speaks` False: its callback is only a bell, all content comes from asking, so forcing can't help.
    `passwords`: form fields of its requests in which a secret itself stands; they are shown to nobody.
    `signs_reply`: the reply needs the account's secrets (else `reply` is handed settings without them).
    `longest_number`: so many characters of an order number it takes and gives back, where it is known to have a limit;
    by the setting `order_field`, where each field has its own.
    `described`: its account's settings describe its callbacks, so that its form tries a request that is pasted there.
    `presets`: settings of known senders, which fill that form.
    `area`, `countries`: where shops use it, and `much_used` for those most shops ask for: how it is found in the list.
    `steps`: how it is set up, three to six, in their order; "here" is the account's own page.
    `payment_pages`: where people see a live payment, and a test one, in its own back office: an address with `{id}`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    letters: ClassVar[str]
    docs: ClassVar[str] = ""
    check: ClassVar[str]  # how it is verified, one line for docs and screens
    tested: ClassVar[str]  # what its check was run against, besides our own vectors, for docs
    settings: ClassVar[tuple[Setting, ...]]
    methods: ClassVar[tuple[str, ...]] = ("POST",)
    speaks: ClassVar[bool] = True
    passwords: ClassVar[tuple[str, ...]] = ()
    signs_reply: ClassVar[bool] = False
    described: ClassVar[bool] = False
    presets: ClassVar[tuple[Preset, ...]] = ()
    longest_number: ClassVar[int | Mapping[str, int] | None] = None
    payment_pages: ClassVar[tuple[str, str] | None] = None
    area: ClassVar[Area] = Area.any
    countries: ClassVar[str] = ""
    much_used: ClassVar[bool] = False
    steps: ClassVar[tuple[Step, ...]] = ()

    def faults(self, settings: Settings) -> dict[str, str]:
        """What does not go together: `{"signature.name": "must ..."}`. Those that are wrong by themselves are left out
        of `settings`.
        """
        return {}

    def asks(self, settings: Settings) -> bool:
        """Whether an account with these settings may need an answer from the gateway's own hosts."""
        return False

    def number_limit(self, settings: Settings) -> int | None:
        """How many characters an order number may have to come back whole; None where no limit is known."""
        if isinstance(self.longest_number, Mapping):
            return self.longest_number.get(settings["order_field"])
        return self.longest_number

    def payment_page(self, transaction: str, test: bool) -> str | None:
        """The payment's page in the gateway's own back office; None where no such address is known."""
        if self.payment_pages is None:
            return None
        return self.payment_pages[test].replace("{id}", quote(transaction, safe=""))

    @abstractmethod
    def verify(self, request: Request, settings: Settings) -> Verification | Asking:
        """Is it from the gateway? Ages are judged by `request.arrived_at`. Never raises, whatever the bytes."""

    @abstractmethod
    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        """What it says, one message per payment. `evidence` is the verification's, empty when it was skipped.

        Never raises, whatever the bytes: what can't be read is an `unclear` message marked `unreadable`.
        """

    def reply(self, request: Request, settings: Settings) -> Reply:
        """What the gateway hears once the callback is stored."""
        return Reply()

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        """A request as the gateway itself would send it at that time to say `message`, signed with the first secret.

        The inverse of `verify` and `interpret`: for demo traffic, test callbacks and the contract test. None where only
        the gateway can make one, or where it has no way of saying that outcome.
        """
        return None

    def key_question(self, settings: Settings) -> Ask | None:
        """A question that changes nothing, and shows whether the gateway takes the first API key of the settings. None
        where no such question is known, or no key is set.
        """
        return None

    def takes_key(self, answer: Answer) -> bool | None:
        """Whether the answer to that question says that it takes the key; None where it says neither."""
        return {200: True, 401: False, 403: False}.get(answer.status)

    def signing(self, request: Request, settings: Settings) -> Signing | None:
        """How the signature comes about, of one that is `described`; None where the request lacks what is signed."""
        return None

    def found(self, request: Request, settings: Settings) -> dict[str, Found]:
        """What stands where the settings say, by the name of the field, of one that is `described`."""
        return {}

    def acknowledge(self, request: Request, settings: Settings, messages: tuple[Message, ...]) -> Ask | None:
        """A question that tells the gateway the result is stored, where its protocol wants one."""
        return None
