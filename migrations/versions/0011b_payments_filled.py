"""The new ledger and the payments are filled from the former ledger, and what waits gets its words.

It runs while callbacks arrive: in small parts, each a transaction of its own, and indexes are made beside the work. A
run that was broken off goes on where it was. Figures of old orders stay as they are.

Revision ID: 0011b
Revises: 0011
"""

from collections import defaultdict

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0011b"
down_revision = "0011"
branch_labels = None
depends_on = None

FORMER = "ledger_before_0011"
PART = 2000  # so many orders of the former ledger at a time
EVENTS = 20_000  # so many events
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
    "ix_payments_transactions": "payments USING gin (transactions)",
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


def upgrade():
    with op.get_context().autocommit_block():
        _fill()
        _name_conflicts()
        _fill_events()
        _index()


# Building the new ledger from the former one


def _fill():
    """Payments and refunds of old orders, in parts; an order without a row of the former ledger has none now either."""
    connection = op.get_bind()
    last = connection.scalar(sa.text("SELECT coalesce(max(order_id), 0) FROM ledger")) or 0
    while True:
        ids = connection.scalars(
            sa.text(f"SELECT DISTINCT order_id FROM {FORMER} WHERE order_id > :last ORDER BY order_id LIMIT :part"),
            {"last": last, "part": PART},
        ).all()
        if not ids:
            break
        last = ids[-1]
        rows = connection.execute(
            sa.text(
                f"SELECT l.*, o.settled_minor, o.state FROM {FORMER} l JOIN orders o ON o.id = l.order_id "
                "WHERE l.order_id = ANY(:ids) ORDER BY l.order_id, l.id"
            ),
            {"ids": ids},
        ).mappings()
        by_order = defaultdict(list)
        for row in rows:
            by_order[row["order_id"]].append(row)
        _write(connection, [_Rebuilt(order_id, found) for order_id, found in by_order.items()])
    _fill_tries(connection)
    connection.execute(
        sa.text("UPDATE orders SET cancelled_by = 'failed_try' WHERE state = 'cancelled' AND cancelled_by IS NULL")
    )


class _Rebuilt:
    """One order's ledger and payments, as the rules have them now, with the same figures as before."""

    def __init__(self, order_id, rows):
        self.order_id, self.rows, self.ledger = order_id, rows, []
        self.payments = {}  # (account, transaction) -> figures
        first = rows[0]
        for row in rows:
            (self._payment if row["entry"] == "payment" else self._refund)(row)
        self._match()
        self._settle(first["settled_minor"], first)

    def _figures(self, row):
        key = row["account_id"], row["transaction_id"]
        empty = {"booked": False, "taken": 0, "owed": 0, "given_back": 0, "heard_at": row["booked_at"], "unmatched": []}
        return self.payments.setdefault(key, empty)

    def _book(self, row, entry, **changes):
        booked = {
            "shop_id": row["shop_id"],
            "order_id": self.order_id,
            "account_id": row["account_id"],
            "entry": entry,
            "transaction_id": row["transaction_id"],
            "minor": row["minor"],
            "currency": row["currency"],
            "movement": row["movement"],
            "of_entry": None,
            "of_movement": None,
            "of_nth": None,
            "callback_id": row["callback_id"],
            "booked_at": row["booked_at"],
            **dict.fromkeys(("came_in", "taken", "given_back", "unmatched", "waived", "owed", "settled"), 0),
            **changes,
        }
        self.ledger.append(booked)
        return booked

    def _payment(self, row):
        figures = self._figures(row)
        figures["booked"] = True
        share = "owed" if row["owed"] else "taken"
        figures[share] += row["minor"]
        self._book(row, "payment", came_in=row["minor"], **{share: row["minor"]})

    def _refund(self, row):
        """From what is owed of its payment first, then from what is kept; of a payment nobody told of, unmatched."""
        figures = self._figures(self._named(row))
        if not figures["booked"]:
            booked = self._book(self._named(row), "refund", unmatched=row["minor"])
            figures["unmatched"].append(booked)
            return
        owed = min(row["minor"], figures["owed"])
        figures["owed"] -= owed
        figures["given_back"] += row["minor"] - owed
        self._book(self._named(row), "refund", owed=-owed, given_back=row["minor"] - owed)

    def _named(self, row):
        """A refund without a payment's id, or with one of its own, is of the only payment there is."""
        known = [key for key, figures in self.payments.items() if figures["booked"] and key[0] == row["account_id"]]
        if (row["account_id"], row["transaction_id"]) in known or len(known) != 1:
            return row
        return {**row, "transaction_id": known[0][1]}

    def _match(self):
        """What had left before its payment was told is booked against it."""
        for (account_id, transaction_id), figures in self.payments.items():
            for refund in figures["unmatched"] if figures["booked"] else ():
                owed = min(refund["unmatched"], figures["owed"])
                kept = min(refund["unmatched"] - owed, max(figures["taken"] - figures["given_back"], 0))
                if owed + kept == 0:
                    continue
                figures["owed"] -= owed
                figures["given_back"] += kept
                name = {"of_entry": "refund", "of_movement": refund["movement"], "of_nth": 0}
                row = {**refund, "account_id": account_id, "transaction_id": transaction_id, "minor": owed + kept}
                row["movement"] = None
                self._book(row, "matching", unmatched=-owed - kept, owed=-owed, given_back=kept, **name)

    def _settle(self, settled, row):
        """What a person said was given back: as much of what is owed as it covered."""
        returned = sum(-one["owed"] for one in self.ledger if one["entry"] in ("refund", "matching"))
        left = max(settled - returned, 0)
        for (account_id, transaction_id), figures in self.payments.items():
            part = min(left, figures["owed"])
            if part:
                figures["owed"] -= part
                left -= part
                base = {**row, "account_id": account_id, "transaction_id": transaction_id, "minor": part}
                base |= {"movement": None, "callback_id": None}
                self._book(base, "settlement", owed=-part, settled=part)

    @property
    def sums(self):
        taken = sum(figures["taken"] for figures in self.payments.values())
        given_back = sum(figures["given_back"] for figures in self.payments.values())
        kept = sum(max(figures["taken"] - figures["given_back"], 0) for figures in self.payments.values())
        owed = sum(figures["owed"] for figures in self.payments.values())
        return {"id": self.order_id, "taken": taken, "given_back": given_back, "kept": kept, "owed": owed}


def _write(connection, orders):
    ledger = [row for order in orders for row in order.ledger]
    names = list(ledger[0])
    connection.execute(
        sa.text(f"INSERT INTO ledger ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"), ledger
    )
    payments = [
        {
            "order_id": order.order_id,
            "place": place,
            "shop_id": order.rows[0]["shop_id"],
            "account_id": account_id,
            "transactions": [transaction_id],
            "life": "booked" if figures["booked"] else "unheard",
            "booked": figures["booked"],
            "heard_at": figures["heard_at"],
        }
        for order in orders
        for place, ((account_id, transaction_id), figures) in enumerate(order.payments.items())
    ]
    table = sa.table(
        "payments",
        *(sa.column(name, pg.JSONB() if name == "transactions" else None) for name in payments[0]),
    )
    connection.execute(table.insert(), payments)
    connection.execute(
        sa.text(
            "UPDATE orders SET taken_minor = :taken, given_back_minor = :given_back, kept_minor = :kept, "
            "owed_minor = :owed WHERE id = :id"
        ),
        [order.sums for order in orders],
    )


def _fill_tries(connection):
    """Tries that are alive, or have ended: as the messages that were applied tell of them."""
    connection.execute(
        sa.text(
            """
            INSERT INTO payments (order_id, place, shop_id, account_id, transactions, life, heard_at)
            SELECT order_id, place + row_number() OVER (PARTITION BY order_id ORDER BY heard_at) - 1, shop_id,
                   account_id, jsonb_build_array(transaction_id), life, heard_at
            FROM (
                SELECT m.order_id, o.shop_id, m.account_id, m.transaction_id,
                       (SELECT count(*) FROM payments p WHERE p.order_id = m.order_id) AS place,
                       CASE WHEN bool_or(m.outcome IN ('failed', 'cancelled')) OR o.state <> 'awaiting_payment'
                            THEN 'ended' ELSE 'alive' END AS life,
                       max(m.applied_at) AS heard_at
                FROM messages m JOIN orders o ON o.id = m.order_id
                WHERE m.applied_at IS NOT NULL AND m.outcome IN ('pending', 'failed', 'cancelled')
                  AND NOT EXISTS (SELECT FROM payments p WHERE p.order_id = m.order_id AND p.account_id = m.account_id
                                  AND p.transactions @> jsonb_build_array(m.transaction_id))
                GROUP BY m.order_id, o.shop_id, o.state, m.account_id, m.transaction_id
            ) AS tries
            """
        )
    )


def _name_conflicts():
    """What was told by the beginning of a sentence."""
    for table in ("callbacks", "messages"):
        for like, conflict in CONFLICTS.items():
            op.execute(
                sa.text(
                    f"UPDATE {table} SET conflict = :conflict WHERE reason = 'order_conflict' AND detail LIKE :like"
                ).bindparams(conflict=conflict, like=like)
            )
        op.execute(
            f"UPDATE {table} SET conflict = 'names_no_order' WHERE reason = 'order_not_found' AND order_number IS NULL"
        )
    op.execute(
        "UPDATE messages m SET test = c.test, customer = c.customer FROM callbacks c "
        "WHERE c.id = m.callback_id AND m.reason IS NOT NULL"
    )


def _fill_events():
    """In parts, each a transaction in which the trigger that keeps events from changes sleeps."""
    connection = op.get_bind()
    last = connection.scalar(sa.text("SELECT coalesce(max(id), 0) FROM order_events")) or 0
    for start in range(0, last + 1, EVENTS):
        connection.execute(
            sa.text(
                f"""
                DO $$ BEGIN
                    ALTER TABLE order_events DISABLE TRIGGER order_events_are_written_once;
                    UPDATE order_events e SET number = o.number, order_currency = o.currency,
                        total_minor = o.amount_minor, paid_minor = o.taken_minor, given_back_minor = o.given_back_minor,
                        kept_minor = o.kept_minor, owed_minor = o.owed_minor
                    FROM orders o WHERE o.id = e.order_id AND e.number IS NULL AND e.id > {start} - 1
                        AND e.id <= {start + EVENTS};
                    ALTER TABLE order_events ENABLE TRIGGER order_events_are_written_once;
                END $$
                """
            )
        )
    for name in NEEDED:
        op.alter_column("order_events", name, nullable=False)


def _index():
    """Beside the work that goes on, one after the other; one that is there from a run that was broken off is kept."""
    op.execute("ALTER TABLE orders DROP COLUMN IF EXISTS awaited_transaction, DROP COLUMN IF EXISTS settled_minor")
    for name in ("ix_orders_owed", "ix_callbacks_due"):
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    for name, on in INDEXES.items():
        unique = "UNIQUE " if name.startswith("uq_") else ""
        op.execute(f"CREATE {unique}INDEX CONCURRENTLY IF NOT EXISTS {name} ON {on}")
    for what, events in (("are_kept", "DELETE OR TRUNCATE"), ("are_written_once", "UPDATE")):
        op.execute(
            f"CREATE OR REPLACE TRIGGER ledger_{what} BEFORE {events} ON ledger "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade():
    """What was filled goes with its tables, in the step below; here only what that one does not know of."""
    for name in INDEXES:
        op.execute(f"DROP INDEX IF EXISTS {name}")
    op.execute(
        "ALTER TABLE orders ADD COLUMN awaited_transaction text, ADD COLUMN settled_minor bigint NOT NULL DEFAULT 0"
    )
    op.execute("CREATE INDEX ix_orders_owed ON orders (shop_id, changed_at, id) WHERE owed_minor > 0")
    op.execute("CREATE INDEX ix_callbacks_due ON callbacks (asks, due_at) WHERE due_at IS NOT NULL")
