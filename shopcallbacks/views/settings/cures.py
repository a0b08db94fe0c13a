"""What is ours to put right about callbacks that are as good as genuine: how and where. Managers send an admin here."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, abort, current_app, render_template, url_for

from ...callbacks.callback import Callback
from ...domain.errors import Conflict
from ...panel.filter import Filter
from ...processing.prospects import prospect
from ...words.cures import CURES
from ...words.reasons import CONFLICTS
from ..access import load_account, managers_only

bp = Blueprint("cures", __name__, url_prefix="/gateways/<int:id_>/cures")


@bp.get("/<conflict>")
@managers_only
def show(id_: int, conflict: str) -> str:
    account = load_account(id_)
    if conflict not in CURES:
        abort(404)
    what = Conflict(conflict)
    found = prospect(account, Callback.conflict == what)
    here = current_app.config["PUBLIC_URL"] + url_for("settings.cures.show", id_=id_, conflict=conflict)
    words = CONFLICTS[what]
    return render_template(
        "settings/accounts/cure.html",
        account=account,
        conflict=what,
        words=words,
        sentences=[sentence.format(gateway=account.title) for sentence in CURES[what]],
        found=found,
        secrets=[secret for secret in account.secrets if secret.id in found.signed_with],
        filter=Filter(accounts=(account.slug,), conflict=what),
        here=here,
        mail=f"mailto:?subject={quote(words.headline)}&body={quote(here)}",
    )
