"""Pictures of the screens for the docs: `make screenshots`, beside a running `make run`.

Needs a Chromium on this machine. Into docs/screenshots/: every screen on a desktop in light; the main ones in the dark
and on a phone too. What it does on the way it undoes, but for one bulk retry. Let the demo run for some minutes before.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "screenshots"
RUNNING = ROOT / "var" / "run.lock"  # `make run` writes its address there
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SHOP = "demo"
DESKTOP, PHONE = (1280, 900), (390, 844)

Step = Callable[[Page], None]


@dataclass(frozen=True)
class Picture:
    """A screen: its file's name, its address, and the steps from there. `main`: in the dark and on a phone too."""

    name: str
    address: str
    steps: tuple[Step, ...] = ()
    main: bool = False


def follow(selector: str, part: str = "") -> Step:
    """Through the first link of that kind, to a page whose address holds `part`."""

    def step(page: Page) -> None:
        page.locator(selector).first.click(timeout=5000)
        page.wait_for_url(f"**{part or '*'}**")

    return step


def press(selector: str) -> Step:
    return lambda page: page.locator(selector).first.click(timeout=5000)


def wait(selector: str) -> Step:
    return lambda page: page.locator(selector).first.wait_for(timeout=30_000)


def fill(selector: str, text: str) -> Step:
    return lambda page: page.locator(selector).first.fill(text)


ROW = "tr.call .call-order a"
DIALOG = wait("dialog[open] form")
PICTURES = (
    Picture("dashboard", "/", main=True),
    Picture("callbacks", "/callbacks", (wait(ROW),), main=True),
    Picture("callbacks-filtered", "/callbacks?reason=not_genuine", (wait(".chip"),)),
    Picture("callbacks-selected", "/callbacks", (press("input[name=page]"), wait(".call input:checked"))),
    Picture("causes", "/callbacks/causes", (wait(".cluster"),), main=True),
    Picture("callback", "/callbacks?reason=not_genuine&account=stripe", (follow(ROW, "/callbacks/"),), main=True),
    Picture("callback-compare", "/callbacks?reason=amount_mismatch", (follow(ROW, "/callbacks/"),)),
    Picture("callback-conflict", "/callbacks?reason=order_conflict", (follow(ROW, "/callbacks/"),)),
    Picture(
        "force",
        "/callbacks?account=stripe&reason=not_genuine",
        (press(".call a[href*=forced-retry]:visible"), DIALOG),
        main=True,
    ),
    Picture("decide", "/callbacks?tab=decide", (wait(ROW),), main=True),
    Picture("owe", "/callbacks?tab=decide", (press(".call a[href*=debt]:visible"), DIALOG)),
    Picture("remove", "/callbacks", (press(".call a[href*=removal]:visible"), DIALOG)),
    Picture("bulk-ask", "/bulk/new?verb=retry&all=1", (wait(".effects li"),), main=True),
    Picture(
        "bulk-run",
        "/bulk/new?verb=retry&all=1",
        (fill("#why", "after the gateway was back"), press(".bulk-ask button"), wait(".run-bar")),
    ),
    Picture(
        "bulk-receipt",
        "/bulk/new?verb=remove&all=1&reason=unreadable",
        (fill("#why", "uploads of the old shop"), press(".bulk-ask button"), wait(".run-state:has-text('Done.')")),
    ),
    Picture("bulk-undone", "/bulk", (follow("th a", "/bulk/"), press("form[action$=undo] button"), wait(".run-bar"))),
    Picture("bulk-runs", "/bulk"),
    Picture("last-actions", "/activity/mine"),
    Picture("orders", "/orders", main=True),
    Picture("order", "/orders?state=open", (follow(".rows th a", "/orders/"),)),
    Picture("activity", "/activity"),
    Picture("your-settings", "/preferences"),
    Picture("keys", "/callbacks", (press("[data-keys]"), wait("dialog[open]"))),
    Picture("settings", "/settings"),
    Picture("gateways", "/settings/gateways/new"),
    Picture("account", "/settings", (follow(".account h2 a", "/gateways/"),)),
    Picture("alerts", "/settings/alerts"),
    Picture("endpoint", "/settings/endpoint"),
    Picture("people", "/settings/people"),
    Picture("second-factor", "/preferences/second-factor"),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.screenshots", description=__doc__)
    parser.add_argument("--url", help="where the app runs (that of the running make run)")
    parser.add_argument("--email", default="admin@demo.example")
    parser.add_argument("--password", default="demo-admin")
    parser.add_argument("--out", type=Path, default=OUT, help="where to put them (%(default)s)")
    options = parser.parse_args()
    url = options.url or (RUNNING.read_text().strip() if RUNNING.exists() else "")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not url:
        sys.exit("Nothing runs: start `make run` in another terminal first.")
    if chromium is None:
        sys.exit("No Chromium on this machine: install it with `apt-get install chromium`.")
    options.out.mkdir(parents=True, exist_ok=True)
    missing = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for page, ending, pictures in sittings(browser, url, options.email, options.password):
            for picture in pictures:
                name = f"{picture.name}{ending}.png"
                try:
                    take(page, picture, options.out / name)
                except TimeoutError:
                    missing.append(name)
        browser.close()
    if missing:
        sys.exit(f"Nothing to see yet for {', '.join(missing)}: let the demo run for some minutes, then once more.")


def sittings(browser: Browser, url: str, email: str, password: str) -> Iterator[tuple[Page, str, tuple[Picture, ...]]]:
    """A logged-in page for each size and scheme, how its pictures' names end, and which of them it is for."""
    some = tuple(picture for picture in PICTURES if picture.main)
    for (width, height), scheme, ending, pictures in (
        (DESKTOP, "light", "", PICTURES),
        (DESKTOP, "dark", "-dark", some),
        (PHONE, "light", "-phone", some),
    ):
        context = browser.new_context(
            base_url=url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.goto("/login")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/")
        page.goto(f"/?shop={SHOP}")
        yield page, ending, pictures
        context.close()


def take(page: Page, picture: Picture, file: Path) -> None:
    """What fits on the screen: no pointer over anything, no menu open, no caret."""
    page.goto(picture.address)
    for step in picture.steps:
        step(page)
    page.wait_for_load_state("networkidle")
    page.mouse.move(0, 0)
    page.evaluate("document.querySelectorAll('details.menu[open]').forEach(menu => { menu.open = false; })")
    page.screenshot(path=file, animations="disabled", caret="hide", scale="css")


if __name__ == "__main__":
    main()
