"""The new ledger and the payments are filled from the former ledger, and what waits gets its words.

It runs while callbacks arrive: in small parts, each a transaction of its own, and indexes are made beside the work. A
run that was broken off goes on where it was. States, and what is owed, stay as they are. Workers of the former release
find no ledger of theirs meanwhile: what they leave stays due.

Revision ID: 0011b
Revises: 0011
"""

import json
from collections import defaultdict
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0011b"
down_revision = "0011"
branch_labels = None
depends_on = None

FORMER = "ledger_before_0011"
PART = 2000  # so many orders at a time
ROWS = 20_000  # so many orders for what one statement fills
EVENTS = 5_000  # so many events, while nobody can add any
# Whose former events say nothing of the figures: those of the order as it is now stand in for them.
NEEDED = ("number", "order_currency", "total_minor", "paid_minor", "given_back_minor", "kept_minor", "owed_minor")
CONFLICTS = {
    "Paid, but the order is paid already%": "paid_already",
    "Paid, but the order is cancelled%": "order_cancelled",
    "Paid, but the order is refunded%": "order_refunded",
    "The payment that opened the order%": "payment_gone",
    "This is a%callback, and the order is%": "other_mode",
    "The order was to be paid by another%": "other_account",
    "%was booked on another order already%": "other_order",
}
INDEXES = {
    "ix_orders_owed": "orders (shop_id, changed_at, id) WHERE owed_minor > 0 OR owed_other <> '{}'::jsonb",
    "ix_orders_part_paid": "orders (shop_id, changed_at, id) WHERE state = 'awaiting_payment' AND kept_minor > 0",
    "ix_orders_expiring": "orders (expires_at) WHERE state IN ('temporary', 'awaiting_payment')",
    "ix_orders_held": "orders (held_since) WHERE held_since IS NOT NULL",
    "ix_payments_transactions": "payments USING gin (transactions) WITH (fastupdate = off)",
    "ix_payments_disputed": "payments (shop_id, answer_by) WHERE dispute = 'open'",
    "ix_payments_alive": "payments (account_id, heard_at) WHERE life = 'alive'",
    "uq_ledger_movement": "ledger (account_id, entry, movement, nth) WHERE movement IS NOT NULL "
    "AND NOT (entry IN ('chargeback_reversal', 'refund_failure') AND of_entry IS NULL)",
    "ix_ledger_order_id": "ledger (order_id)",
    "ix_ledger_shop_time": "ledger (shop_id, booked_at, id)",
    "ix_messages_waiting_order": "messages (order_id) WHERE reason IS NOT NULL",
    "ix_messages_waiting_number": "messages (order_number) WHERE reason IS NOT NULL",
    "ix_messages_waiting_transaction": "messages (transaction_id) WHERE reason IS NOT NULL",
    "ix_messages_waiting_carries_on": "messages (carries_on) WHERE reason IS NOT NULL",
    "ix_callbacks_due": "callbacks (asks, account_id, due_at) WHERE due_at IS NOT NULL",
    "ix_callbacks_crashed": "callbacks (id) WHERE crashed_in IS NOT NULL",
}
FORMER_INDEXES = {  # of the same names
    "ix_orders_owed": "orders (shop_id, changed_at, id) WHERE owed_minor > 0",
    "ix_callbacks_due": "callbacks (asks, due_at) WHERE due_at IS NOT NULL",
}
ONLY_NEW = {"ix_orders_owed": "owed_other", "ix_callbacks_due": "account_id"}  # by what they are told from those


def upgrade():
    with op.get_context().autocommit_block():
        _fill()
        _fill_tries()
        _say_who_cancelled()
        _name_conflicts()
        _read_again()
        _fill_events()
        _index()


@contextmanager
def _part():
    """A transaction of its own."""
    with op.get_bind().engine.begin() as connection:
        yield connection


def _ranges(table, by, step):
    """Ids from the first on, so many at a time: (first, behind the last)."""
    with _part() as connection:
        first, last = connection.execute(sa.text(f"SELECT min({by}), max({by}) FROM {table}")).one()
    return ((start, start + step) for start in range(first or 0, (last or 0) + 1, step)) if first else ()


# Building the new ledger from the former one


def _fill():
    """Payments and refunds of old orders; an order without a row of the former ledger has none now either."""
    with _part() as connection:
        last = connection.scalar(sa.text("SELECT coalesce(max(order_id), 0) FROM ledger"))
    while last is not None:
        with _part() as connection:
            last = _fill_behind(connection, last)


def _fill_behind(connection, last):
    """The next part of the orders behind that one; the last of it, None where there is none."""
    next_ids = f"SELECT DISTINCT order_id FROM {FORMER} WHERE order_id > :last ORDER BY order_id LIMIT :part"
    ids = connection.scalars(sa.text(next_ids), {"last": last, "part": PART}).all()
    if not ids:
        return None
    rows = connection.execute(
        sa.text(
            f"""
            SELECT l.*, o.number, o.owed_minor, m.event_id
            FROM {FORMER} l JOIN orders o ON o.id = l.order_id
            LEFT JOIN messages m ON m.callback_id = l.callback_id AND m.event_id = l.movement
                AND l.transaction_id IS NULL AND m.place = (SELECT min(place) FROM messages n
                    WHERE n.callback_id = l.callback_id AND n.event_id = l.movement)
            WHERE l.order_id = ANY(:ids) ORDER BY l.order_id, l.id
            """
        ),
        {"ids": ids},
    )
    by_order = defaultdict(list)
    for row in rows.mappings():
        by_order[row["order_id"]].append(row)
    _write(connection, [_Rebuilt(order_id, found) for order_id, found in by_order.items()])
    return ids[-1]


class _Figures:
    """Of one payment."""

    def __init__(self, row):
        self.heard_at = row["booked_at"]
        self.booked = False
        self.taken = self.owed = self.given_back = 0
        self.unmatched = []  # refunds that were told before the payment, not booked against it yet

    @property
    def kept(self):
        return max(self.taken - self.given_back, 0)


class _Rebuilt:
    """One order's ledger and payments, as the rules have them now, with the same figures as before."""

    def __init__(self, order_id, rows):
        self.order_id, self.rows, self.ledger = order_id, rows, []
        self.payments = {}  # by (account, transaction)
        paid = [row for row in rows if row["entry"] == "payment"]
        self.of_order = {(row["account_id"], row["transaction_id"]) for row in paid}
        self.taken_by = [(row["account_id"], row["transaction_id"]) for row in paid if not row["owed"]]
        self.names = defaultdict(int)
        for row in rows:
            (self._payment if row["entry"] == "payment" else self._refund)(row)
        self._settle(rows[0])

    def _figures(self, key, row):
        return self.payments.setdefault(key, _Figures(row))

    def _book(self, row, key, entry, minor, movement=None, **changes):
        nth = self.names[entry, key[0], movement] if movement else 0
        self.names[entry, key[0], movement] += 1
        booked = {
            "shop_id": row["shop_id"],
            "order_id": self.order_id,
            "account_id": key[0],
            "entry": entry,
            "transaction_id": key[1],
            "minor": minor,
            "currency": row["currency"],
            "movement": movement,
            "nth": nth,
            "callback_id": row["callback_id"] if movement else None,
            "booked_at": row["booked_at"].isoformat(),
            **changes,
        }
        self.ledger.append(booked)
        return booked

    def _payment(self, row):
        key = row["account_id"], row["transaction_id"]
        figures = self._figures(key, row)
        figures.booked = True
        share = "owed" if row["owed"] else "taken"
        setattr(figures, share, getattr(figures, share) + row["minor"])
        self._book(row, key, "payment", row["minor"], _named(row), came_in=row["minor"], **{share: row["minor"]})
        self._match(row, key, figures)

    def _refund(self, row):
        """From what is owed of its payment first, then from what is kept; before its payment, unmatched."""
        key = self._refunded(row)
        figures = self._figures(key, row)
        if not figures.booked:
            booked = self._book(row, key, "refund", row["minor"], _named(row), unmatched=row["minor"])
            figures.unmatched.append(booked)
            return
        owed = min(row["minor"], figures.owed)
        figures.owed -= owed
        figures.given_back += row["minor"] - owed
        changes = {"owed": -owed, "given_back": row["minor"] - owed}
        self._book(row, key, "refund", row["minor"], _named(row), **changes)

    def _refunded(self, row):
        """The payment it is of: where it names none that is told, the only one, else the one that the order took."""
        key = row["account_id"], row["transaction_id"]
        mine = {known for known in self.of_order if known[0] == key[0]}
        if key in mine or not mine:
            return key
        if len(mine) == 1:
            return next(iter(mine))
        return next((known for known in self.taken_by if known in mine), key)

    def _match(self, row, key, figures):
        """What had left before its payment was told is booked against it."""
        for refund in figures.unmatched:
            owed = min(refund["unmatched"], figures.owed)
            kept = min(refund["unmatched"] - owed, figures.kept)
            if owed + kept:
                figures.owed -= owed
                figures.given_back += kept
                changes = {"unmatched": -owed - kept, "owed": -owed, "given_back": kept}
                name = {"of_entry": "refund", "of_movement": refund["movement"], "of_nth": refund["nth"]}
                self._book(row, key, "matching", owed + kept, **changes, **name)
        figures.unmatched = []

    def _settle(self, row):
        """What is owed no more, a person said was given back, or a gateway by a refund that named no payment."""
        left = sum(figures.owed for figures in self.payments.values()) - row["owed_minor"]
        for key, figures in self.payments.items():
            part = min(max(left, 0), figures.owed)
            if part:
                figures.owed -= part
                left -= part
                self._book(row, key, "settlement", part, owed=-part, settled=part)

    @property
    def sums(self):
        each = self.payments.values()
        return {
            "id": self.order_id,
            "taken": sum(figures.taken for figures in each),
            "given_back": sum(figures.given_back for figures in each),
            "kept": sum(figures.kept for figures in each),
        }

    @property
    def tries(self):
        for place, ((account_id, transaction_id), figures) in enumerate(self.payments.items()):
            yield {
                "order_id": self.order_id,
                "place": place,
                "shop_id": self.rows[0]["shop_id"],
                "account_id": account_id,
                "transactions": [transaction_id],
                "life": "booked" if figures.booked else "unheard",
                "booked": figures.booked,
                "heard_at": figures.heard_at.isoformat(),
            }


def _named(row):
    """What named neither itself nor a payment was called by its event, and is by its order now."""
    return f"order {row['number']}" if row["event_id"] is not None else row["movement"]


_BOOKING = (
    "shop_id, order_id, account_id, entry, transaction_id, minor, currency, movement, nth, of_entry, of_movement, "
    "of_nth, callback_id, booked_at"
)
_SUMS = ("came_in", "taken", "given_back", "unmatched", "owed", "settled")
_PAYMENT = "order_id, place, shop_id, account_id, transactions, life, booked, heard_at"


def _write(connection, orders):
    sums = ", ".join(f"coalesce({name}, 0)" for name in _SUMS)
    statements = (
        (
            f"INSERT INTO ledger ({_BOOKING}, {', '.join(_SUMS)}) SELECT {_BOOKING}, {sums} "
            "FROM jsonb_populate_recordset(NULL::ledger, CAST(:rows AS jsonb))",
            [row for order in orders for row in order.ledger],
        ),
        (
            f"INSERT INTO payments ({_PAYMENT}) SELECT {_PAYMENT} "
            "FROM jsonb_populate_recordset(NULL::payments, CAST(:rows AS jsonb))",
            [row for order in orders for row in order.tries],
        ),
        (
            "UPDATE orders SET taken_minor = taken, given_back_minor = given_back, kept_minor = kept "
            "FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS new(id bigint, taken bigint, given_back bigint, "
            "kept bigint) WHERE orders.id = new.id",
            [order.sums for order in orders],
        ),
    )
    for statement, rows in statements:
        connection.execute(sa.text(statement.replace("NULL::", "NULL\\:\\:")), {"rows": json.dumps(rows)})


_TRIES = """
INSERT INTO payments (order_id, place, shop_id, account_id, transactions, life, heard_at)
SELECT order_id, place + row_number() OVER (PARTITION BY order_id ORDER BY heard_at, transaction_id) - 1, shop_id,
       account_id, jsonb_build_array(transaction_id), life, heard_at
FROM (
    SELECT m.order_id, o.shop_id, m.account_id, m.transaction_id,
           (SELECT count(*) FROM payments p WHERE p.order_id = m.order_id) AS place,
           CASE WHEN bool_or(m.outcome IN ('failed', 'cancelled')) OR o.state <> 'awaiting_payment'
                THEN 'ended' ELSE 'alive' END AS life,
           max(m.applied_at) AS heard_at
    FROM messages m JOIN orders o ON o.id = m.order_id
    WHERE m.order_id >= :first AND m.order_id < :behind
      AND m.applied_at IS NOT NULL AND m.outcome IN ('pending', 'failed', 'cancelled')
      AND NOT EXISTS (SELECT FROM payments p WHERE p.order_id = m.order_id AND p.account_id = m.account_id
                      AND p.transactions @> jsonb_build_array(m.transaction_id))
    GROUP BY m.order_id, o.shop_id, o.state, m.account_id, m.transaction_id
) AS tries
"""


def _fill_tries():
    """Tries that are alive, or have ended: as the messages that were applied tell of them."""
    for first, behind in _ranges("orders", "id", ROWS):
        with _part() as connection:
            connection.execute(sa.text(_TRIES), {"first": first, "behind": behind})


def _say_who_cancelled():
    """Until now only a try that failed, or was given up, cancelled an order."""
    for first, behind in _ranges("orders", "id", ROWS):
        with _part() as connection:
            connection.execute(
                sa.text(
                    "UPDATE orders SET cancelled_by = 'failed_try' WHERE id >= :first AND id < :behind "
                    "AND state = 'cancelled' AND cancelled_by IS NULL"
                ),
                {"first": first, "behind": behind},
            )


# What waits


def _name_conflicts():
    """What was told by the beginning of a sentence."""
    names = " ".join(f"WHEN detail LIKE '{like}' THEN '{conflict}'" for like, conflict in CONFLICTS.items())
    for table in ("messages", "callbacks"):
        op.execute(
            f"UPDATE {table} SET conflict = CASE WHEN reason = 'order_conflict' THEN CASE {names} END "
            "ELSE 'names_no_order' END WHERE conflict IS NULL AND (reason = 'order_conflict' "
            "OR reason = 'order_not_found' AND order_number IS NULL)"
        )
    op.execute(
        "UPDATE messages m SET test = c.test, customer = c.customer FROM callbacks c "
        "WHERE c.id = m.callback_id AND m.reason IS NOT NULL"
    )
    op.execute(
        "UPDATE callbacks SET crashed_in = 'before 0011' "
        "WHERE state = 'unprocessed' AND reason = 'crashed' AND crashed_in IS NULL"
    )


WHY_READ_AGAIN = "Read again, by the release that keeps what each refund is called."


def _read_again():
    """Refunds that wait: which movement of money they are was not kept, so that they can't be decided as they were.

    Not what is said of payments: that is named by its transaction, and a person decides on it.
    """
    op.execute(
        sa.text(
            """
            UPDATE callbacks c SET version = version + 1, due_at = now(), asked_at = now(), asked_why = :why, asks = a.asks,
                due_kind = CASE c.verdict WHEN 'skipped' THEN 'forced' ELSE 'retry' END
            FROM gateway_accounts a
            WHERE a.id = c.account_id AND c.state = 'unprocessed' AND c.due_at IS NULL
              AND c.verdict IN ('genuine', 'skipped') AND coalesce(c.asked_why, '') <> :why
              AND EXISTS (SELECT FROM messages m WHERE m.callback_id = c.id AND m.reason IS NOT NULL
                          AND m.outcome = 'refunded')
            """
        ).bindparams(why=WHY_READ_AGAIN)
    )


def _fill_events():
    """In parts, each a transaction in which the trigger that keeps events from changes sleeps."""
    for first, behind in _ranges("order_events", "id", EVENTS):
        with _part() as connection:
            connection.execute(sa.text("ALTER TABLE order_events DISABLE TRIGGER order_events_are_written_once"))
            connection.execute(
                sa.text(
                    """
                    UPDATE order_events e SET number = o.number, order_currency = o.currency,
                        total_minor = o.amount_minor, paid_minor = o.taken_minor,
                        given_back_minor = o.given_back_minor, kept_minor = o.kept_minor, owed_minor = o.owed_minor
                    FROM orders o
                    WHERE o.id = e.order_id AND e.number IS NULL AND e.id >= :first AND e.id < :behind
                    """
                ),
                {"first": first, "behind": behind},
            )
            connection.execute(sa.text("ALTER TABLE order_events ENABLE TRIGGER order_events_are_written_once"))
    # Looked through while others write; what is known of all rows need not be looked for again.
    check = " AND ".join(f"{name} IS NOT NULL" for name in NEEDED)
    op.execute("ALTER TABLE order_events DROP CONSTRAINT IF EXISTS all_is_told")
    op.execute(f"ALTER TABLE order_events ADD CONSTRAINT all_is_told CHECK ({check}) NOT VALID")
    op.execute("ALTER TABLE order_events VALIDATE CONSTRAINT all_is_told")
    op.execute(f"ALTER TABLE order_events {', '.join(f'ALTER COLUMN {name} SET NOT NULL' for name in NEEDED)}")
    op.execute("ALTER TABLE order_events DROP CONSTRAINT all_is_told")


def _index():
    """Beside the work that goes on, one after the other; one that is there from a run that was broken off is kept."""
    for name, on in INDEXES.items():
        if _finished(name):
            continue
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        unique = "UNIQUE " if name.startswith("uq_") else ""
        op.execute(f"CREATE {unique}INDEX CONCURRENTLY {name} ON {on}")
    for what, events in (("are_kept", "DELETE OR TRUNCATE"), ("are_written_once", "UPDATE")):
        op.execute(
            f"CREATE OR REPLACE TRIGGER ledger_{what} BEFORE {events} ON ledger "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute("ANALYZE ledger, payments, orders, messages")


def _finished(name):
    told = sa.text(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indexrelid = to_regclass(:name) AND indisvalid"
    )
    definition = op.get_bind().scalar(told, {"name": name})
    return definition is not None and ONLY_NEW.get(name, "") in definition


def downgrade():
    """The former ledger with the payments and refunds that were booked since, and what the former code reads again."""
    for name in INDEXES:
        op.execute(f"DROP INDEX IF EXISTS {name}")
    for name, on in FORMER_INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {on}")
    op.execute(
        f"""
        INSERT INTO {FORMER} (shop_id, order_id, account_id, entry, movement, transaction_id, minor, currency, owed,
                              callback_id, booked_at)
        SELECT shop_id, order_id, account_id, entry, movement, transaction_id, minor, currency, owed > 0, callback_id,
               booked_at
        FROM ledger l WHERE entry IN ('payment', 'refund') AND movement IS NOT NULL AND nth = 0
          AND NOT EXISTS (SELECT FROM {FORMER} f WHERE f.callback_id = l.callback_id AND f.entry = l.entry)
        ON CONFLICT DO NOTHING
        """
    )
    op.execute(
        f"""
        UPDATE orders o SET settled_minor =
            (SELECT sum(minor) FROM {FORMER} f WHERE f.order_id = o.id AND f.owed) - owed_minor
        WHERE EXISTS (SELECT FROM {FORMER} f WHERE f.order_id = o.id AND f.owed)
          AND EXISTS (SELECT FROM ledger l WHERE l.order_id = o.id AND l.entry = 'settlement')
        """
    )
    op.execute(
        """
        UPDATE orders o SET awaited_transaction = (
            SELECT transactions ->> 0 FROM payments p WHERE p.order_id = o.id AND life = 'alive' ORDER BY place LIMIT 1)
        WHERE state = 'awaiting_payment'
        """
    )
    for name in NEEDED:
        op.alter_column("order_events", name, nullable=True)
