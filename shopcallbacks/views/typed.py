"""What somebody typed into a plain form, logged out meanwhile: it stands in the form again once they are logged in.

Nothing is done by it. It waits in the browser's own session, which holds little: a note or a reason, and no more of it
than `MOST`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import g, request, session

TYPED = "typed"
FIELDS = ("why", "text")
MOST = 2000  # bytes


def keep(address: str) -> None:
    """What came with this request, for the form at that address."""
    fields = {
        name: request.form[name].encode()[:MOST].decode(errors="ignore") for name in FIELDS if name in request.form
    }
    if any(fields.values()):
        session[TYPED] = [session.get("_user_id"), urlsplit(address).path, fields]


def clear_session(user_id: int) -> None:
    """Of all that is in the session only what this user typed stays; or somebody, as whom nobody knows any more."""
    kept = session.get(TYPED)
    session.clear()
    if kept and kept[0] in (None, str(user_id)):
        session[TYPED] = kept


def typed_before(name: str) -> str:
    """For the field of that name; given out once, at its form's own address."""
    if "typed" not in g:
        here = TYPED in session and session[TYPED][1] == request.path
        g.typed = session.pop(TYPED)[2] if here else {}
    return str(g.typed.get(name, ""))
