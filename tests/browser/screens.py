"""Every screen of the app, how to get there, and who sees it: one line each. A new screen is one more line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.factories import PASSWORD

from .bad_night import ADMIN, CAREFUL, VIEWER

Step = Callable[[Page], None]
NOBODY = ""


@dataclass(frozen=True)
class Screen:
    """`address` names things of the bad night in braces. `steps` lead from there to what is to be seen."""

    name: str
    address: str
    steps: tuple[Step, ...] = ()
    who: str = ADMIN
    status: int = 200
    worker: bool = True  # it has been seen lately

    def open(self, page: Page, things: Mapping[str, object]) -> None:
        answer = page.goto(self.address.format(**things))
        assert answer is not None
        assert answer.status == self.status, f"{page.url} answered {answer.status}"
        for step in self.steps:
            step(page)
        page.wait_for_load_state()  # a form's answer is seen before all its style is there


def press(name: str, role: str = "button") -> Step:
    return lambda page: page.get_by_role(role, name=re.compile(rf"^\s*{name}")).first.click()  # type: ignore[arg-type]


def unfold(summary: str) -> Step:
    return lambda page: page.locator("summary", has_text=summary).first.click()


def until(selector: str) -> Step:
    return lambda page: expect(page.locator(selector).first).to_be_visible()


def untold(page: Page) -> None:
    """Lets the server take a form that the browser itself would hold back."""
    page.locator("form").evaluate_all("forms => forms.forEach(form => { form.noValidate = true; })")


def ask(verb: str) -> tuple[Step, ...]:
    return press(f"{verb}…", "link"), until("dialog[open] form")


def half_way(page: Page) -> None:
    """The password is given, the code is not."""
    page.get_by_label("E-mail").fill(CAREFUL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def wrong_code(page: Page) -> None:
    page.get_by_label("Six digits").fill("x")
    page.get_by_role("button", name="Log in").click()


def select_all(page: Page) -> None:
    page.get_by_label("Select all on this page").check()


NIGHT = "?shop=night"
ACCOUNT = "/settings/gateways/{account}"
TRY = "pi_a_try_with_a_very_long_transaction_id_0123456789"
# Lists of orders by their names in the address.
LISTS = {
    "decide": "to decide on",
    "owed": "that owe",
    "disputed": "that are disputed",
    "part_paid": "part paid",
    "waiting": "that wait without a word",
    "untold": "with refunds of unknown payments",
    "unheard": "nobody called about",
}
SCREENS = (
    Screen("log-in", "/login", who=NOBODY),
    Screen("log-in refused", "/login", (untold, press("Log in"), until("#failed")), who=NOBODY),
    # the dashboard
    Screen("dashboard", "/" + NIGHT),
    Screen("dashboard, hours as table", "/" + NIGHT, (unfold("as table"),)),
    Screen("dashboard, by day", f"/{NIGHT}&by=days"),
    Screen("dashboard, the shops", "/" + NIGHT, (unfold("Night"),)),
    Screen("dashboard, the user's menu", "/" + NIGHT, (unfold("OP"),)),
    Screen("dashboard, first steps", "/?shop=calm", (unfold("First steps"),)),
    Screen("dashboard, nothing unprocessed", "/?shop=calm"),
    Screen("first steps", "/?shop=new-shop"),
    # the panel
    Screen("panel", "/callbacks" + NIGHT),
    Screen("panel for a viewer", "/callbacks", who=VIEWER),
    Screen("panel, waiting", f"/callbacks{NIGHT}&tab=waiting"),
    Screen("panel, processed", f"/callbacks{NIGHT}&tab=processed"),
    Screen("panel, invalid", f"/callbacks{NIGHT}&tab=invalid"),
    Screen("panel, all", f"/callbacks{NIGHT}&tab=all"),
    Screen("panel, second page", f"/callbacks{NIGHT}&tab=all&after=nonsense"),
    Screen("panel, filtered", f"/callbacks{NIGHT}&reason=amount_mismatch&account=stripe&from=2026-01-01"),
    Screen("panel, what can be filtered by", "/callbacks" + NIGHT, (unfold("+ filter"),)),
    Screen("panel, nothing fits", f"/callbacks{NIGHT}&q=nothing+like+this"),
    Screen("panel, a filter that is none", f"/callbacks{NIGHT}&from=yesterday"),
    *(
        Screen(f"panel, empty: {tab}", f"/callbacks?shop=new-shop&tab={tab}")
        for tab in ("unprocessed", "all", "invalid")
    ),
    Screen(
        "panel, selected", "/callbacks" + NIGHT, (lambda page: page.get_by_label("Select all on this page").check(),)
    ),
    Screen("panel, a row at work", f"/callbacks{NIGHT}&tab=all", (until(".call-working"),)),
    Screen(
        "panel, a row just done",
        f"/callbacks{NIGHT}&tab=invalid&sort=age",
        (lambda page: page.locator(".call-acts button").first.click(), until(".call-acts form[action$=undo]")),
    ),
    Screen("by cause", "/callbacks/causes" + NIGHT),
    Screen("by cause, nothing", "/callbacks/causes?shop=calm"),
    Screen("payments to decide on", f"/callbacks{NIGHT}&tab=decide"),
    Screen("payments to decide on, none", "/callbacks?shop=calm&tab=decide"),
    # force, remove, and what becomes of a payment
    Screen("reopen, page", "/callbacks/{conflict}/reopening"),
    Screen("needs refund, dialog", f"/callbacks{NIGHT}&tab=decide", ask("Needs refund")),
    Screen("decide, the rest of the verbs", f"/callbacks{NIGHT}&tab=decide", (unfold("More (order"),)),
    Screen("accept, dialog", f"/callbacks{NIGHT}&tab=decide", ask("Accept")),
    Screen("take as a part, page", "/callbacks/{amount}/part"),
    Screen("accept, page", "/callbacks/{amount}/acceptance"),
    Screen("take too, can't help", "/callbacks/{conflict}/addition"),
    Screen("take the payment out, can't help", "/callbacks/{conflict}/withdrawal"),
    Screen("choose the payment, none", "/callbacks/{conflict}/payment"),
    Screen("dealt with, page", "/callbacks/{conflict}/closure"),
    Screen("assign, page", "/callbacks/{waiting}/assignment"),
    Screen("decide anew, page", "/callbacks/{owed}/debt-release"),
    Screen("needs refund, page", "/callbacks/{conflict}/debt"),
    Screen("force, dialog", f"/callbacks{NIGHT}&account=paypal", ask("Force")),
    Screen("force, page", "/callbacks/{asked}/forced-retry"),
    Screen("force, can't help", "/callbacks/{amount}/forced-retry"),
    Screen("remove, of a genuine one", "/callbacks/{conflict}/removal"),
    Screen("remove, dialog", f"/callbacks{NIGHT}&account=paypal", ask("Remove")),
    Screen("remove, page", "/callbacks/{asked}/removal"),
    Screen(
        "remove, no reason", "/callbacks/{asked}/removal", (untold, press("Mark as invalid"), until("#why-missing"))
    ),
    # one callback
    *(
        Screen(f"callback: {kind}", f"/callbacks/{{{kind}}}")
        for kind in ("processed", "refund", "amount", "conflict", "forged", "asked", "waiting", "unreadable", "several")
    ),
    Screen("callback: removed", "/callbacks/{invalid}"),
    Screen("callback, the evidence", "/callbacks/{several}/evidence"),
    *(
        Screen(f"callback, {part}", "/callbacks/{form}?part=" + part)
        for part in ("body", "headers", "address", "bytes")
    ),
    # many at once
    Screen("bulk, asked", f"/bulk/new{NIGHT}&verb=retry&all=1"),
    Screen("bulk, asked for a reason", f"/bulk/new{NIGHT}&verb=remove&all=1"),
    Screen("bulk, nothing selected", f"/bulk/new{NIGHT}&verb=retry"),
    Screen("bulk, running", "/bulk/{running}"),
    Screen("bulk, paused", "/bulk/{paused}"),
    Screen("bulk, receipt", "/bulk/{receipt}"),
    Screen("bulk runs", "/bulk" + NIGHT),
    Screen("bulk runs, none", "/bulk?shop=new-shop"),
    # the one search
    Screen("search", f"/search{NIGHT}&q=251123"),
    Screen("search, nothing fits", f"/search{NIGHT}&q=nothing+like+this"),
    Screen("search, nothing asked for", "/search" + NIGHT),
    # orders and acts
    Screen("orders", "/orders" + NIGHT),
    Screen("orders, none", f"/orders{NIGHT}&number=none"),
    *(
        screen
        for name, words in LISTS.items()
        for screen in (
            Screen(f"orders {words}", f"/orders{NIGHT}&{name}=1"),
            Screen(f"orders {words}, none", f"/orders?shop=calm&{name}=1"),
        )
    ),
    Screen("download", "/download" + NIGHT),
    Screen("download, a day that is none", f"/download{NIGHT}&from=yesterday", status=422),
    Screen("download, the menu", "/orders" + NIGHT, (unfold("Download"),)),
    Screen("statement of a month", "/statement" + NIGHT),
    Screen("statement of a day, nothing booked", f"/statement{NIGHT}&day=2020-01-01"),
    Screen("statement, a month that is none", f"/statement{NIGHT}&month=soon", status=422),
    Screen("statement, behind a figure", f"/statement/behind/came_in{NIGHT}&currency=EUR"),
    Screen("order", "/orders/{order}"),
    Screen("order with money to decide on", "/orders/{decide}"),
    Screen("order that owes", "/orders/{owing}"),
    Screen("order part paid, with a try under way", "/orders/{part}"),
    Screen("order with a dispute", "/orders/{disputed}"),
    Screen("order whose refusal is held back", "/orders/{held}"),
    Screen("given back, page", "/orders/{owing}/settlement"),
    Screen("given back, dialog", "/orders/{owing}", ask("Given back")),
    Screen("given back, no reason", "/orders/{owing}/settlement", (untold, press("It was"), until("#why-problem"))),
    Screen("that is all, page", "/orders/{part}/completion"),
    Screen("that is all, dialog", "/orders/{part}", ask("That is all")),
    Screen("end this try, page", "/orders/{part}/try-end?account={account}&transaction=" + TRY),
    Screen("end this try, dialog", "/orders/{part}", ask("End this try")),
    Screen("end this try, which has ended", "/orders/{order}/try-end"),
    Screen("activity", "/activity" + NIGHT),
    Screen("activity, nothing fits", f"/activity{NIGHT}&who=cli&from=never"),
    Screen("your last actions", "/activity/mine" + NIGHT),
    Screen("your last actions, none", "/activity/mine?shop=new-shop"),
    # settings
    Screen("your settings", "/preferences"),
    Screen(
        "your settings, password not changed",
        "/preferences",
        (untold, press("Change the password"), until("#password-problem")),
    ),
    Screen("the keys", "/callbacks" + NIGHT, (press("Keys"), until("dialog[open]"))),
    Screen("settings", "/settings" + NIGHT),
    Screen("settings, people", "/settings/people" + NIGHT),
    Screen("settings, people for a viewer", "/settings/people", who=VIEWER),
    Screen(
        "settings, people, nobody invited", "/settings/people" + NIGHT, (untold, press("Invite"), until("#problem"))
    ),
    Screen(
        "settings, people, a link shown once",
        "/settings/people" + NIGHT,
        (lambda page: page.get_by_label("E-mail").fill("new@shop.example"), press("Invite"), until("#fresh")),
    ),
    Screen("settings, a person", "/settings/people/{viewer}" + NIGHT, (unfold("Switch off"),)),
    Screen("second factor", "/preferences/second-factor"),
    Screen("the code of a log-in", "/login/code", (half_way, until("#code")), who=NOBODY),
    Screen("the code of a log-in, wrong", "/login/code", (half_way, wrong_code, until("#failed")), who=NOBODY),
    Screen("forgot your password", "/passwords", who=NOBODY),
    Screen("a new password by a link", "/{password}", who=NOBODY),
    Screen("an invitation", "/{invitation}", who=NOBODY),
    Screen("a link that is over", "/invitations/1/x", who=NOBODY, status=410),
    Screen("settings for a viewer", "/settings", who=VIEWER),
    Screen("settings, no gateway yet", "/settings?shop=new-shop"),
    Screen("gateway, which", "/settings/gateways/new" + NIGHT),
    Screen("gateway, of a country", f"/settings/gateways/new{NIGHT}&q=poland"),
    Screen("gateway, none fits", f"/settings/gateways/new{NIGHT}&q=nothing"),
    Screen("gateway, new", f"/settings/gateways/new/generic_hmac{NIGHT}"),
    Screen(
        "gateway, new, a request tried",
        f"/settings/gateways/new/generic_hmac{NIGHT}",
        (unfold("Advanced"), press("Read it"), until("#tried .wrong")),
    ),
    Screen("gateway account, going live", "/settings/gateways/{testing}/live"),
    Screen(
        "gateway, new with problems",
        f"/settings/gateways/new/stripe{NIGHT}",
        (untold, press("Add"), until(".wrong")),
    ),
    Screen("gateway account", ACCOUNT, (unfold("End"), unfold("Add a secret"), unfold("Switch off"))),
    Screen("what is ours to put right", ACCOUNT + "/cures/secret_retired"),
    Screen("what is ours to put right, its time", ACCOUNT + "/cures/mistimed"),
    Screen("gateway account, switched off", "/settings/gateways/{off}"),
    Screen("gateway account, a test sent", ACCOUNT, (press("Send a test"), until("#test-story"))),
    Screen("gateway account, a test's page", "/settings/gateways/{account}/tests/{test}"),
    Screen(
        "gateway account, numbers that don't fit",
        ACCOUNT,
        (lambda page: page.locator("#number_pattern").fill("ORD-{number}"), until("#numbers strong")),
    ),
    Screen(
        "gateway account with problems",
        ACCOUNT,
        (
            lambda page: page.locator("#number_pattern").fill("ORD-"),
            lambda page: page.locator("#try_lives").fill("soon"),
            press("Save the settings"),
            until(".meeting .wrong"),
        ),
    ),
    Screen("settings of orders", "/settings/orders" + NIGHT),
    Screen("settings of orders for a viewer", "/settings/orders", who=VIEWER),
    Screen(
        "settings of orders with problems",
        "/settings/orders" + NIGHT,
        (lambda page: page.locator("#limit").fill("plenty"), press("Save"), until(".wrong")),
    ),
    Screen("alerts", "/settings/alerts" + NIGHT),
    Screen("alerts for a viewer", "/settings/alerts", who=VIEWER),
    Screen(
        "alerts with problems",
        "/settings/alerts" + NIGHT,
        (lambda page: page.locator("#many").fill("plenty"), press("Save"), until("#many-problem")),
    ),
    Screen("endpoint", "/settings/endpoint" + NIGHT),
    Screen("endpoint, on the way", f"/settings/endpoint{NIGHT}&part=waiting"),
    Screen("endpoint, none yet", "/settings/endpoint?shop=new-shop"),
    Screen(
        "endpoint with a problem",
        "/settings/endpoint" + NIGHT,
        (lambda page: page.locator("#url").fill("http://127.0.0.1/"), press("Save"), until("#url[aria-invalid]")),
    ),
    Screen("API tokens", "/settings/tokens" + NIGHT),
    Screen("API tokens for a viewer", "/settings/tokens", who=VIEWER),
    Screen("help", "/help" + NIGHT),
    Screen("help for managers", "/help/manager-guide" + NIGHT),
    Screen("help on keys", "/help/keys" + NIGHT),
    Screen("help on the API", "/help/api" + NIGHT),
    # when something is wrong
    Screen("not for you", "/settings/gateways/new", who=VIEWER, status=403),
    Screen("not there", "/callbacks/999999999", status=404),
    Screen("the database is away", "{away}/", status=503),
    Screen("the worker is gone", "/" + NIGHT, worker=False),
    Screen("the worker is gone, on a page", "/orders" + NIGHT, worker=False),
)


def of_callbacks(wanted: bool) -> list[Screen]:
    """Those that stand under /callbacks, or all others: two files look at half of them each, at the same time."""
    return [screen for screen in SCREENS if screen.address.startswith("/callbacks") is wanted]


# GET addresses that are no screens of their own.
NO_SCREENS = {
    "activity.download": "a file",
    "callbacks.download": "a file",
    "bulk.download": "a file",
    "bulk.items": "a part of the run's page; without htmx it leads there",
    "statement.download": "a file",
    "callbacks.original": "the bytes as they came",
    "callbacks.news": "a part of the panel",
    "callbacks.row": "a part of the panel",
    "sessions.session_here": "JSON",
    "dashboard.count": "a part of every page",
    "dashboard.worker": "a part of every page",
    "health.ready": "for a load balancer",
    "help.picture": "a picture of a page",
    "health.figures": "for Prometheus",
    "dashboard.widget": "a part of the dashboard",
    "dashboard.over": "a part of the dashboard",
    "dashboard.gateways": "a part of the dashboard",
    "dashboard.undecided": "a part of the dashboard",
    "noting.people": "a part of a callback's page",
    "dashboard.first": "a part of the first steps",
    "settings.accounts.numbers": "a part of the account's page",
    "settings.accounts.coming": "a part of the page of a new account",
    "settings.listening.show": "a part of the account's page",
    "deliveries.show": "a part of the order's page; without htmx it leads there",
    "settings.alerts.messages": "a part of the alerts' page",
    "provider.ask": "leads to the provider",
    "provider.answer": "leads back from the provider",
    "api.list_events": "JSON",
    "api.show_order": "JSON",
    "api.list_callbacks": "JSON",
    "api.show_callback": "JSON",
    "api_document.show": "JSON",
    "health.show": "JSON",
    "receiving.receive": "the gateways' own",
    "receiving.stray": "the gateways' own",
    "static": "files",
}
