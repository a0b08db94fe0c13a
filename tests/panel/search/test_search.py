"""Search: what a text is cut into, the index that follows arrival, and what is found through it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Select, select

from shopcallbacks import jobs
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.requests import KeptBody
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import glance
from shopcallbacks.domain.states import Verb
from shopcallbacks.domain.values import Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.panel import counts
from shopcallbacks.panel.counts import count_up_to, tab_counts
from shopcallbacks.panel.filter import Filter, Sort, Tab
from shopcallbacks.panel.hiding import Hider
from shopcallbacks.panel.search import search
from shopcallbacks.panel.search.index import Round, SearchEntry, SearchProgress, history_before
from shopcallbacks.panel.search.terms import terms, texts_of
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role
from shopcallbacks.views.callbacks import panel as views

from ...factories import log_in, make_account, make_callback, make_order, make_user, message, process, request_for
from ..test_page import leafed_through

ONE_BY_ONE = settings(max_examples=20, deadline=None)
PRINTABLE = st.text(max_size=200).filter(str.isprintable)


@pytest.fixture
def account(app: object) -> GatewayAccount:
    return make_account(slug="stripe")


def saying(account: GatewayAccount, body: bytes, query: bytes = b"", ago: timedelta = timedelta(0)) -> Callback:
    """A callback with that body, whatever it means."""
    request = replace(request_for(account, message()), body=body, query=query)
    return make_callback(account, replace(request, arrived_at=utcnow() - ago))


def index() -> None:
    """Until everything has its entry."""
    db.session.commit()
    while jobs.index():
        pass
    db.session.expire_all()


def found(account: GatewayAccount, q: str, tab: Tab = Tab.all) -> set[int]:
    return set(db.session.scalars(_ids(Filter(tab, q=q), account)))


def _ids(filter_: Filter, account: GatewayAccount) -> Select[int]:
    return filter_.select(account.shop).with_only_columns(Callback.id)


# Cutting


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (b"", b"payer=J%C3%BCrgen+Gro%C3%9F&memo=a%26b"),
        (b"", "payer=J\xfcrgen+Gro\xdf".encode("latin-1")),
        (b"", json.dumps({"payer": "J\xfcrgen", "line": 'one\nGro\xdf "x"'}).encode()),
        (b"", json.dumps({"payer": "J\xfcrgen Gro\xdf"}, ensure_ascii=False).encode()),
        (b"", b"<a><payer>J&#252;rgen</payer><b c='Gro&#xdf;'/></a>"),
        (b"", b"data=" + quote(base64.b64encode(json.dumps({"p": "J\xfcrgen Gro\xdf"}).encode())).encode()),
        (b"payer=J%C3%BCrgen+Gro%C3%9F", b""),
        (b"", "J\xfcrgen Gro\xdf has paid".encode()),
    ],
)
def test_a_request_is_decoded_before_it_is_cut(account: GatewayAccount, query: bytes, body: bytes) -> None:
    assert {"j\xfcrgen", "gross"} <= set(terms(texts_of(query, body, Hider(account))))


def test_any_request_can_be_cut(account: GatewayAccount) -> None:
    hide = Hider(account)

    @given(st.binary(max_size=500), st.binary(max_size=500))
    def cut(query: bytes, body: bytes) -> None:
        for term in terms(texts_of(query, body, hide)):
            term.encode()
            assert "\x00" not in term

    cut()


# Finding


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(
    "q",
    [
        "251123-26",
        "251123",
        "pi_abc",
        "evt_abc",
        "59.90",
        "59,90 eur",
        "BUYER@shop.example",
        "shop.example",
        "gr\xfc\xdfe abc",
    ],
)
def test_it_is_found_before_and_after_it_was_indexed(account: GatewayAccount, q: str, indexed: bool) -> None:
    order = make_order(account.shop, "251123-26", customer_email="buyer@shop.example")
    request = request_for(account, message(order, transaction_id="pi_abc", event_id="evt_abc"))
    request = replace(request, body=request.body.replace(b'"object"', '"note": "gr\xfc\xdfe", "object"'.encode(), 1))
    callback = make_callback(account, request)
    make_callback(account, message("77", money=Money(1, "EUR")))
    process()
    if indexed:
        index()
    assert found(account, q) == {callback.id}


def test_all_the_words_must_be_there_in_any_order(account: GatewayAccount) -> None:
    callback = saying(account, b'{"payer": "Jane Doe", "city": "Riga"}', ago=timedelta(hours=1))
    saying(account, b'{"payer": "Jane Roe", "city": "Tartu"}', ago=timedelta(hours=1))
    index()
    assert found(account, "riga jane") == {callback.id}
    assert found(account, "Jane D") == {callback.id}
    assert found(account, "tartu doe") == set()


def test_whatever_word_of_a_payload_is_typed_finds_it(account: GatewayAccount) -> None:
    words = st.text(st.characters(codec="utf-8", categories=["L", "Nd"]), min_size=1, max_size=40)
    other = saying(account, b'{"nothing": "here"}', ago=timedelta(hours=1))

    @ONE_BY_ONE
    @given(st.lists(words, min_size=1, max_size=3), st.sampled_from(["json", "form", "text"]))
    def typed(said: list[str], kind: str) -> None:
        text = " ".join(said)
        body = {"json": json.dumps({"note": text}), "form": urlencode({"note": text, "x": "1"}), "text": text}[kind]
        callback = saying(account, body.encode(), ago=timedelta(hours=1))
        index()
        assert all(callback.id in found(account, word) for word in said)

    typed()
    assert found(account, "nothing here") == {other.id}


def test_nothing_typed_ever_raises(account: GatewayAccount) -> None:
    saying(account, b"one", ago=timedelta(hours=1))
    index()
    saying(account, b"two")

    @ONE_BY_ONE
    @given(PRINTABLE)
    def typed(q: str) -> None:
        found(account, q)

    typed()
    for q in ("'", "\\", "a' & 'b", ":*", "!x", "(", "1:one", "%", "\N{GRINNING FACE}", "x" * 200, "9" * 200):
        found(account, q)


def test_many_that_fit_are_all_found_by_walking(account: GatewayAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = {saying(account, b"often", ago=timedelta(minutes=number)).id for number in range(2, 9)}
    new = saying(account, b"often").id
    saying(account, b"never", ago=timedelta(hours=1))
    index()
    monkeypatch.setattr(search, "FEW", 3)
    assert found(account, "often") == ids | {new}
    assert found(account, "often", Tab.processed) == set()
    assert found(account, "of") == ids | {new}
    assert set(leafed_through(Filter(Tab.all, q="of"), account.shop)) == ids | {new}


DAYS_AGO = st.integers(0, 40)


@given(
    st.lists(st.tuples(DAYS_AGO, st.sampled_from([b"often", b"often", b"never"])), min_size=4, max_size=16),
    st.sampled_from([Sort.youngest, Sort.oldest, Sort.largest]),
    st.none() | DAYS_AGO,
    st.none() | DAYS_AGO,
    st.booleans(),
)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_many_that_fit_are_shown_in_their_order_whatever_weeks_they_came_in(
    app: object, came: list[tuple[int, bytes]], sort: Sort, since: int | None, until: int | None, common: bool
) -> None:
    account, now = make_account(), utcnow()
    for days_ago, body in came:
        saying(account, body, ago=timedelta(days=days_ago))
    index()
    first, last = (days if days is None else (now - timedelta(days=days)).date() for days in (since, until))
    filter_ = Filter(Tab.all, sort=sort, per=3, since=first, until=last)
    wanted = list(
        db.session.scalars(
            _ids(filter_, account).join(KeptBody, KeptBody.of(Callback)).where(KeptBody.body == b"often")
        )
    )
    filter_ = filter_.but(q="oft")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "FEW", 1)
        patch.setattr(search, "PROBED", 1 if common else 1_000)
        assert list(db.session.scalars(_ids(filter_, account))) == wanted
        assert leafed_through(filter_, account.shop) == wanted
        assert count_up_to(filter_, account.shop) == len(wanted)
        for limit in (1, 2):
            assert count_up_to(filter_, account.shop, limit) == min(limit + 1, len(wanted))


def test_only_weeks_in_which_many_fit_are_walked(account: GatewayAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "FEW", 2)
    for weeks, body in ((30, b"often"), *[(20, b"often 59.90")] * 3, (3, b"never"), (2, b"often"), (0, b"never")):
        saying(account, body, ago=timedelta(weeks=weeks))
    make_callback(account, message(money=Money(5990, "EUR")), utcnow() - timedelta(weeks=5))
    process()
    index()
    assert walked(account, "often") == [False, True, False]
    assert walked(account, "59.90") == [False]  # the sum, not the words


def test_what_the_latest_have_is_asked_of_each_row_and_what_they_do_not_have_is_looked_up(
    account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PROBED", 10)
    monkeypatch.setattr(search, "FEW", 5)
    for number in range(20):
        saying(account, b"every seldom" if number == 0 else b"every", ago=timedelta(minutes=20 - number))
    index()
    for q, sooner in (("every", "search_entries"), ("seldom", "ANY")):
        filter_ = Filter(Tab.all, q=q)
        first = next(filter_.stretches(account.shop))
        assert sooner in str(select(Callback.id).where(*first)), q
        assert leafed_through(filter_, account.shop) == list(db.session.scalars(_ids(filter_, account)))


def walked(account: GatewayAccount, q: str) -> list[bool]:
    """Of each part, the newest first, whether its rows are asked."""
    parts = search.Search(q, account.shop_id).by_time(None, None, None, descending=True)
    return ["search_entries" in str(part) for part in parts]


def test_another_shops_callbacks_are_never_found(account: GatewayAccount) -> None:
    stranger = make_account()
    for _ in range(2):
        make_callback(stranger, message("251123-26", event_id="evt_abc", transaction_id="pi_abc"))
    process()
    for q in ("251123-26", "evt_abc", "pi_abc", "59.90", "payment_intent", "no such order"):
        assert found(account, q) == set()
        assert len(found(stranger, q)) == 2
    index()
    for q in ("251123-26", "evt_abc", "pi_abc", "59.90", "payment_intent", "no such order"):
        assert found(account, q) == set()
        assert len(found(stranger, q)) == 2


@pytest.mark.parametrize("q", ["amount differs", "Amount differs from the order", "differs amou"])
def test_the_words_of_a_reason_find_what_has_it(account: GatewayAccount, q: str) -> None:
    differs = make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    make_callback(account, message(make_order(account.shop)))
    process()
    index()
    assert found(account, q) == {differs.id}
    assert found(account, q, Tab.unprocessed) == {differs.id}
    assert found(account, q, Tab.processed) == set()


def test_a_full_card_number_finds_the_payload_that_holds_it_and_is_not_in_the_index(account: GatewayAccount) -> None:
    callback = saying(account, b'{"card": "4111111111111111"}', ago=timedelta(hours=1))
    saying(account, b'{"card": "none"}', ago=timedelta(hours=1))
    index()
    assert found(account, "4111 1111 1111 1111") == {callback.id}
    kept = db.session.scalars(db.select(db.func.cast(SearchEntry.terms, db.Text))).all()
    assert not any("4111" in entry for entry in kept)


PASSWORD = "Zq7wPx-Secret9k"


@pytest.fixture
def worldpay(app: object) -> GatewayAccount:
    """Whose password comes with each form; one that went before it, too."""
    account = make_account(gateway="worldpay", callback_passwords=[PASSWORD, "The-Former-1"], authorised="paid")
    account.end_secret(account.secrets[-1], utcnow())
    db.session.commit()
    return account


@pytest.mark.parametrize("indexed", [False, True])
def test_no_search_finds_what_the_page_hides(worldpay: GatewayAccount, indexed: bool) -> None:
    form = {
        "cartId": "77",
        "callbackPW": PASSWORD,
        "M_note": f"The-Former-1 {worldpay.token}",
        "card": "5500005555555559",
    }
    callback = saying(worldpay, urlencode(form).encode(), b"token=T0ken-in-the-address", ago=timedelta(hours=1))
    if indexed:
        process()
        index()
    assert found(worldpay, "cartId 77") == {callback.id}
    hidden = (PASSWORD, "The-Former-1", worldpay.token, "T0ken-in-the-address", "5500005555555559"[:12], "0000555555")
    for secret in hidden:
        for start in {secret, secret[:3], secret[:-1], secret[4:], secret.lower()} - {"the", "The", "550"}:
            assert found(worldpay, start) == set(), start
            assert found(worldpay, f"cartId {start}") == set(), start
    kept = "".join(db.session.scalars(db.select(db.func.cast(SearchEntry.terms, db.Text))))
    assert bool(kept) is indexed
    assert not any(secret.lower() in kept for secret in hidden)


def test_a_card_number_where_an_id_should_be_is_not_found_by_guessing_it(account: GatewayAccount) -> None:
    callback = make_callback(account, message("4111111111111111", transaction_id="5500005555555559"))
    process()
    index()
    assert found(account, "5500005555555559 x") == set()
    for number in ("4111111111111111", "5500005555555559"):  # found by what the page shows of it: its last four digits
        assert found(account, number) == found(account, number[-4:]) == {callback.id}
    assert set(db.session.scalars(_ids(Filter(Tab.all, order="4111111111111111"), account))) == set()
    make_order(account.shop, "4111111111111111")  # and by all of it where the shop itself calls an order that
    callback.do(Verb.retry, None)
    process()
    assert set(db.session.scalars(_ids(Filter(Tab.all, order="4111111111111111"), account))) == {callback.id}


def test_a_number_is_said_only_where_all_were_counted(
    account: GatewayAccount, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(client, make_user(Role.manager, account.shop))
    for _ in range(3):
        saying(account, b"often", ago=timedelta(hours=1))
    assert "data-total>3</span>" in client.get("/callbacks?tab=all&q=often").text
    monkeypatch.setattr(views, "FOUND", 2)
    page = client.get("/callbacks?tab=all&q=often").text
    assert "3 of 2+" in page
    assert "data-total" not in page


# The index follows


def test_what_has_come_a_moment_ago_waits_for_a_worker_and_is_found_meanwhile(account: GatewayAccount) -> None:
    callback = make_callback(account, message("251123-26"))
    index()
    assert db.session.scalar(db.select(db.func.count()).select_from(SearchEntry)) == 0
    assert found(account, "payment_intent") == {callback.id}
    process()
    index()
    assert db.session.scalar(db.select(db.func.count()).select_from(SearchEntry)) == 1
    assert found(account, "payment_intent") == {callback.id}


def test_a_later_attempt_that_understands_more_is_read_again(account: GatewayAccount) -> None:
    callback = make_callback(account, message("251123-26"))
    process()
    index()
    assert found(account, "buyer@shop.example") == set()
    make_order(account.shop, "251123-26", customer_email="buyer@shop.example")
    callback.do(Verb.retry, None)
    process()
    index()
    assert found(account, "buyer@shop.example") == {callback.id}


def test_the_history_of_an_existing_database_is_read_newest_first_in_batches(account: GatewayAccount) -> None:
    ids = [saying(account, f"note{n}".encode(), ago=timedelta(days=9 - n)).id for n in range(6)]
    db.session.add(SearchProgress(id=1, upto=ids[-1], history=ids[-1], attempts=0))  # as the migration leaves it
    db.session.commit()
    new = saying(account, b"brandnew", ago=timedelta(hours=1))
    progress = SearchProgress.take()
    assert progress is not None
    assert progress.fill(Round(), 3) == 4  # the new one, then history
    db.session.commit()
    assert found(account, "brandnew") == {new.id}
    assert found(account, "note5") == {ids[5]}
    assert found(account, "note0") == set()
    assert history_before() == db.session.get_one(Callback, ids[2]).received_at
    process()
    index()
    assert found(account, "note0") == {ids[0]}
    assert history_before() is None


def test_filling_again_changes_nothing(account: GatewayAccount) -> None:
    saying(account, b"once", ago=timedelta(hours=1))
    process()
    index()
    assert jobs.index() == 0
    db.session.execute(db.text("UPDATE search_progress SET upto = 0, history = 5"))
    index()
    assert db.session.scalar(db.select(db.func.count()).select_from(SearchEntry)) == 1
    progress = db.session.scalars(db.select(SearchProgress)).one()
    assert (progress.upto, progress.history) == (db.session.scalar(db.select(db.func.max(Callback.id))), 0)


def test_what_is_committed_late_with_a_lower_number_is_still_read(account: GatewayAccount) -> None:
    late = saying(account, b"late")
    saying(account, b"early")
    process()
    index()
    progress = db.session.scalars(db.select(SearchProgress)).one()
    assert progress.upto < late.id  # both came within the last minute: it stays before them


def test_the_index_gives_way_to_what_is_due_but_for_no_longer_than_a_minute(
    account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = saying(account, b"done")
    process()
    saying(account, b"due")
    assert jobs.index() == 0
    assert found(account, "done") == {done.id}, "by what has no entry yet"
    monkeypatch.setattr("shopcallbacks.panel.search.index.PATIENCE", timedelta(0))
    assert jobs.index() == 1


def test_a_later_attempt_waits_for_its_entry_no_longer_either(
    account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    callback = saying(account, b"tried again")
    process()
    index()
    callback.do(Verb.retry, None)
    process()
    saying(account, b"due")
    assert jobs.index() == 0
    monkeypatch.setattr("shopcallbacks.panel.search.index.PATIENCE", timedelta(0))
    assert jobs.index() == 1


def test_what_is_committed_behind_a_round_is_read_in_the_next(account: GatewayAccount) -> None:
    late = saying(account, b"late")
    rest = [saying(account, b"early") for _ in range(5)]
    process()
    progress = SearchProgress.take()
    assert progress is not None
    passed = Round(callback=late.id)  # as if it had not been there when the round came by
    assert [progress.fill(passed, 2) for _ in range(3)] == [2, 2, 1]
    assert passed.callback == rest[-1].id
    assert progress.upto < late.id
    assert progress.fill(Round(), 2) == 1
    assert passed.over(utcnow() + timedelta(seconds=61))


def test_two_workers_never_fill_at_once(account: GatewayAccount) -> None:
    saying(account, b"once", ago=timedelta(hours=1))
    SearchProgress.take()
    db.session.commit()
    with db.engine.connect() as other:
        other.execute(db.text("SELECT * FROM search_progress FOR UPDATE"))
        assert jobs.index() == 0
    assert jobs.index() == 1


def test_words_are_read_out_of_their_own_index(account: GatewayAccount) -> None:
    db.session.execute(db.text("SET LOCAL enable_seqscan = off"))
    said = search.Search("pi_abc", account.shop_id)._said(db.literal(2951))
    statement = db.select(SearchEntry.callback_id).where(said).compile(db.engine)
    plan = db.session.connection().exec_driver_sql(f"EXPLAIN {statement}", statement.params)
    assert "ix_search_entries_terms" in "\n".join(line for (line,) in plan)


def test_a_sum_with_decimals_finds_that_sum_and_nothing_else(account: GatewayAccount) -> None:
    meant = make_callback(account, message("251123-1", money=Money(599, "EUR")))
    for minor in (9900, 2490):
        make_callback(account, message(f"251123-5-{minor}", money=Money(minor, "EUR")))
    saying(account, b'{"text": "5 pieces of 99"}')
    saying(account, b'{"text": "version 5.99 of it"}')
    process()
    index()
    for q in ("5,99", "5.99", "5.99 EUR"):
        assert found(account, q) == {meant.id}


@pytest.mark.parametrize("q", ["order is cancelled", "paid, but the order"])
def test_the_closer_words_of_a_conflict_find_what_has_it(account: GatewayAccount, q: str) -> None:
    account.shop.payment_reopens = False
    order = make_order(account.shop)
    make_callback(account, message(order, Outcome.cancelled))
    process()
    late = make_callback(account, message(order))
    process()
    index()
    assert found(account, q) == {late.id}


def test_a_word_of_the_line_below_the_reason_finds_what_waits(account: GatewayAccount) -> None:
    waits = make_callback(account, replace(request_for(account, message()), headers=()))
    process()
    index()
    word = next(word for word in waits.detail.split() if word.isalpha() and len(word) > 3)
    assert found(account, word.upper()) == {waits.id}


@pytest.mark.parametrize(("few", "at_first"), [(2_000, 20_000), (0, 20_000), (0, 1)])
@pytest.mark.parametrize("common", [True, False])
def test_the_tabs_count_what_is_searched_for(
    account: GatewayAccount, monkeypatch: pytest.MonkeyPatch, few: int, at_first: int, common: bool
) -> None:
    order, other = make_order(account.shop), make_order(account.shop)
    make_callback(account, message(order))
    make_callback(account, message(order, money=Money(1, "EUR")))
    make_callback(account, message(other))
    process()
    index()
    monkeypatch.setattr(search, "FEW", few)
    monkeypatch.setattr(counts, "AT_FIRST", at_first)
    monkeypatch.setattr(search, "COMMON", 100 if common else 0)
    for seen in (None, glance.look(account.shop_id, utcnow())):
        assert tab_counts(account.shop, order.number, seen) == {
            Tab.unprocessed: 1,
            Tab.decide: 1,
            Tab.waiting: 0,
            Tab.processed: 1,
            Tab.invalid: 0,
            Tab.imported: 0,
            Tab.all: 2,
        }


@pytest.mark.parametrize(("at_first", "walked"), [(6, False), (5, True)])
def test_the_tabs_are_walked_only_where_a_search_finds_very_many(
    account: GatewayAccount, monkeypatch: pytest.MonkeyPatch, at_first: int, walked: bool
) -> None:
    for number in range(12):
        saying(account, b"often" if number < 6 else b"never", ago=timedelta(hours=12 - number))
    index()
    monkeypatch.setattr(search, "FEW", 3)
    monkeypatch.setattr(search, "COMMON", 0)
    monkeypatch.setattr(counts, "AT_FIRST", at_first)
    count_up_to, asked = counts.count_up_to, list[object]()
    monkeypatch.setattr(counts, "count_up_to", lambda *args: (asked.append(args), count_up_to(*args))[1])
    assert tab_counts(account.shop, "often")[Tab.unprocessed] == 6
    assert bool(asked) is walked


def test_many_far_off_are_counted_without_walking_there(
    account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FEW", 3)
    monkeypatch.setattr(search, "COMMON", 0)
    for number in range(12):
        saying(account, b"often" if number < 6 else b"never", ago=timedelta(hours=12 - number))
    index()
    asked = []
    monkeypatch.setattr(search.Search, "by_time", lambda *_: asked.append(True))
    assert count_up_to(Filter(Tab.all, q="often"), account.shop, 2) == 3
    assert not asked
