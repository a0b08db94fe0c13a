"""The whole work by keyboard alone: no click, the focus always seen, and never lost."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from shopcallbacks.callbacks import moves
from shopcallbacks.domain.states import OrderState, State, Verb
from shopcallbacks.extensions import db
from shopcallbacks.words import acts
from tests.factories import PASSWORD, make_callback, message

from .conftest import World
from .test_bulk_journeys import badly_signed

SOON = 30_000
FOCUSED = """() => {
    const one = document.activeElement;
    const words = [one.getAttribute("aria-label"), one.labels?.[0]?.textContent, one.textContent].find(Boolean) ?? "";
    const style = getComputedStyle(one);
    return {
        lost: one === document.body,
        seen: one.matches(":focus-visible") && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
        words: words.replace(/\\s+/g, " ").trim(),
        dialog: Boolean(one.closest("dialog[open]")),
        row: one.closest(".call")?.id ?? "",
    };
}"""


class Keys:
    """A person with a keyboard."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def at(self) -> dict[str, object]:
        return self.page.evaluate(FOCUSED)  # type: ignore[no-any-return]

    def press(self, *keys: str) -> None:
        self.page.wait_for_load_state()  # keys work once their script has run
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def tab_to(self, words: str, row: str = "", key: str = "Tab", most: int = 120) -> None:
        """Tabs on to what is called so (in that row); the focus is seen at each stop."""
        for _ in range(most):
            self.press(key)
            at = self.at
            assert at["seen"] or at["lost"], f"the focus can't be seen at {at}"  # lost: between page and window
            if re.match(words, str(at["words"])) and at["row"] == (row or at["row"]):
                return
        raise AssertionError(f"no way to {words} by {key}")

    def stays_in(self, row: str) -> None:
        self.page.wait_for_function("document.activeElement !== document.body")
        assert self.at["row"] == row


def log_in(page: Page, world: World) -> Keys:
    keys = Keys(page)
    page.goto("/login")
    assert keys.at["words"] == "E-mail", "the first field has the focus"
    keys.type(world.manager.email)
    keys.tab_to("Password")
    keys.type(PASSWORD)
    keys.press("Enter")
    page.wait_for_url("**/")
    return keys


def test_a_night_without_a_mouse(page: Page, world: World) -> None:
    """Logs in, finds the row, retries, forces, removes, restores and undoes."""
    callback = world.looked_at(world.call(world.paypal, message(world.order())))
    other = world.looked_at(world.call(world.paypal, message(world.order())))
    keys = log_in(page, world)
    keys.press("Tab")
    assert keys.at["words"] == "To the content"
    keys.press("Enter")
    keys.tab_to("Review 2 callbacks")
    keys.press("Enter")
    page.wait_for_url("**/callbacks?tab=unprocessed")

    row = f"callback-{callback.id}"
    keys.tab_to("Retry", row)
    keys.press("Enter")
    expect(page.locator(f"#{row}")).to_contain_text("Tried again: PayPal IPN still says no", timeout=SOON)
    expect(page.locator(f"#{row}").get_by_role("button", name="Retry")).to_be_visible()
    keys.stays_in(row)

    keys.tab_to("Force…", row)
    keys.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    for _ in range(6):  # round and round: reason, button, cancel
        keys.press("Tab")
        assert keys.at["dialog"] or keys.at["lost"], "nothing behind the dialog is reached"
    keys.press("Escape")
    expect(dialog).to_be_hidden()
    assert str(keys.at["words"]).startswith("Force…"), "back where it was"
    keys.press("Enter")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    keys.type("payment seen in PayPal")
    keys.press("Enter")
    expect(page.locator(f"#{row}")).to_contain_text("Processed: order opened", timeout=SOON)
    keys.stays_in(row)

    row = f"callback-{other.id}"
    keys.tab_to("Remove…", row)
    keys.press("Enter")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    keys.type("a test of the old shop")
    keys.press("Enter")
    expect(page.locator(f"#{row}").get_by_role("button", name="Restore")).to_be_visible()
    keys.stays_in(row)
    keys.tab_to("Restore", row)
    keys.press("Enter")
    expect(page.locator(f"#{row}").get_by_role("button", name="Undo")).to_be_visible()
    keys.stays_in(row)
    keys.tab_to("Undo", row)
    keys.press("Enter")
    expect(page.locator(f"#{row}").get_by_role("button", name="Restore")).to_be_visible()
    keys.stays_in(row)

    db.session.expire_all()
    assert callback.order is not None
    assert (callback.order.state, other.state) == (OrderState.open, State.invalid)


def test_a_bulk_run_without_a_mouse(page: Page, world: World) -> None:
    callbacks = badly_signed(world, 3)
    keys = log_in(page, world)
    world.stripe.configure({"signing_secrets": ["whsec_new"]})
    db.session.commit()
    page.goto("/callbacks")
    for callback in callbacks[-1], callbacks[-2]:
        keys.tab_to("Select order", f"callback-{callback.id}")
        keys.press("Space")
    expect(page.get_by_text("2 selected")).to_be_visible()
    keys.tab_to("Retry 2…", key="Shift+Tab")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Retry 2 callbacks?")).to_be_visible()
    keys.tab_to("Retry 2 callbacks")
    keys.press("Enter")
    expect(page.get_by_text("Done.")).to_be_visible(timeout=SOON)
    keys.tab_to("Succeeded")
    keys.press("Enter")
    expect(page.locator("#item-1")).to_contain_text("order opened")
    db.session.expire_all()
    assert [callback.state for callback in callbacks[1:]] == [State.processed] * 2


def test_each_verb_has_its_key_also_behind_more(page: Page, world: World) -> None:
    order = world.order()
    moves.cancel(order.id, "the shop")
    db.session.commit()
    callback = world.looked_at(world.call(world.stripe, message(order)))
    keys = log_in(page, world)
    page.goto("/callbacks?tab=decide")
    keys.press("j")
    keys.stays_in(f"callback-{callback.id}")
    for verb in callback.open_to - {Verb.retry, Verb.force, Verb.accept, Verb.part}:
        words = acts.VERBS[verb]
        keys.press(words.key)
        expect(page.get_by_role("dialog", name=words.asks)).to_be_visible()
        keys.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
    keys.press("t")
    expect(page.locator("#said")).to_have_text("Take too can't help here.")
    keys.press("?")
    for words in acts.VERBS.values():
        expect(page.locator("#keys")).to_contain_text(words.button)
    keys.press("Escape")
    keys.press("d")
    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
    keys.type("booked in the shop")
    keys.press("Enter")
    expect(page.locator(f"#callback-{callback.id}")).to_contain_text("dealt with by you")
    keys.press("u")
    expect(page.locator(f"#callback-{callback.id}").get_by_role("link", name="Reopen")).to_be_visible()


def test_menus_open_and_close_by_keyboard(page: Page, world: World) -> None:
    world.looked_at(world.call(world.stripe, message("251123-nowhere")))
    keys = log_in(page, world)
    page.goto("/callbacks?tab=waiting")
    keys.tab_to(re.escape(world.manager.name))
    keys.press("Enter")
    expect(page.get_by_role("link", name="Your last actions")).to_be_visible()
    keys.press("Tab", "Escape")
    expect(page.get_by_role("link", name="Your last actions")).to_be_hidden()
    assert keys.at["words"] == world.manager.name
    keys.tab_to(r"\+ filter")
    keys.press("Enter")
    expect(page.get_by_label("Order number")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_label("Order number")).to_be_hidden()


def test_what_goes_hands_the_focus_to_its_place_not_to_what_stands_next(page: Page, world: World) -> None:
    for _ in range(26):
        make_callback(world.stripe, message("251123-nowhere"))
    keys = log_in(page, world)
    page.goto("/callbacks?tab=all&per=25")
    page.locator("[rel=next]").focus()
    keys.press("Enter")
    expect(page.locator("[rel=prev]")).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages")).to_be_focused()
    page.goto(f"/callbacks?tab=all&account={world.stripe.slug}&notes=1")
    page.get_by_role("link", name="account: ").focus()
    keys.press("Enter")
    expect(page.get_by_role("link", name="account: ")).to_have_count(0)
    expect(page.locator("#filters")).to_be_focused()
    keys.press("Tab")
    assert str(keys.at["words"]).startswith("with notes"), "the way goes on where it was"
