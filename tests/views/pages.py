"""What a browser would send: the form of a page, as it stands there."""

from __future__ import annotations

from html.parser import HTMLParser


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, list[str]]] = {}
        self._form: dict[str, list[str]] | None = None
        self._area: str | None = None
        self._text = ""
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        name, value = has.get("name") or "", has.get("value") or ""
        if tag == "form":
            self._form = self.forms.setdefault(has.get("action") or "", {})
        elif tag == "input" and name and (has.get("type") not in ("checkbox", "radio") or "checked" in has):
            self._add(name, value)
        elif tag == "select":
            self._select, self._options = name, []
        elif tag == "option":
            self._options.append((value, "selected" in has))
        elif tag == "textarea":
            self._area, self._text = name, ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea" and self._area:
            self._add(self._area, self._text.removeprefix("\n").replace("\n", "\r\n"))
            self._area = None
        elif tag == "select" and self._select:
            chosen = [value for value, selected in self._options if selected] or [self._options[0][0]]
            self._add(self._select, chosen[-1])
            self._select = None

    def _add(self, name: str, value: str) -> None:
        if self._form is not None:
            self._form.setdefault(name, []).append(value)


def form_on(page: str, action: str) -> dict[str, list[str]]:
    """The values of the page's form with that action, by name; no button is pressed."""
    reader = _Forms()
    reader.feed(page)
    return reader.forms[action]
