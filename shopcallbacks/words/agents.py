"""A browser in a few words, as people tell theirs apart: "Firefox on Windows"."""

from __future__ import annotations

# The first that stands in what the browser says of itself: nearly all of them say Safari, many say Chrome.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS": "Firefox",
    "Chrome/": "Chrome",
    "CriOS": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def browser(agent: str) -> str:
    name, system = _first(_BROWSERS, agent), _first(_SYSTEMS, agent)
    return " on ".join(filter(None, [name or "another browser", system]))


def _first(names: dict[str, str], agent: str) -> str:
    return next((name for sign, name in names.items() if sign in agent), "")
