"""Pictures of the screens for the docs: `make screenshots`, beside a running `make run`.

Needs a Chromium on this machine. Desktop and phone, light and dark, into docs/screenshots/.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "screenshots"
RUNNING = ROOT / "var" / "run.lock"  # `make run` writes its address there
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SIZES = {"": (1280, 900), "-phone": (390, 844)}
SCREENS = {
    "dashboard": "/",
    "callbacks": "/callbacks",
    "causes": "/callbacks/causes",
    "orders": "/orders",
    "activity": "/activity",
    "settings": "/settings",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.screenshots", description=__doc__)
    parser.add_argument("--url", help="where the app runs (that of the running make run)")
    parser.add_argument("--email", default="admin@demo.example")
    parser.add_argument("--password", default="demo-admin")
    options = parser.parse_args()
    url = options.url or (RUNNING.read_text().strip() if RUNNING.exists() else "")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not url:
        sys.exit("Nothing runs: start `make run` in another terminal first.")
    if chromium is None:
        sys.exit("No Chromium on this machine: install it with `apt-get install chromium`.")
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for name, page in pages(browser, url, options.email, options.password):
            take(page, name)
        browser.close()


def pages(browser: Browser, url: str, email: str, password: str) -> Iterator[tuple[str, Page]]:
    """A logged-in page for each size and scheme, with the end of its pictures' names."""
    for size, (width, height) in SIZES.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(
                base_url=url,
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            page = context.new_page()
            page.goto("/login")
            page.get_by_label("E-mail").fill(email)
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Log in").click()
            page.wait_for_url("**/")
            yield size + ("-dark" if scheme == "dark" else ""), page
            context.close()


def take(page: Page, ending: str) -> None:
    for name, path in SCREENS.items():
        page.goto(path)
        page.screenshot(path=OUT / f"{name}{ending}.png")
    page.goto("/callbacks?tab=unprocessed")
    first = page.locator("main a[href^='/callbacks/']").first
    if first.count():
        first.click()
        page.wait_for_load_state()
        page.screenshot(path=OUT / f"callback{ending}.png", full_page=True)


if __name__ == "__main__":
    main()
