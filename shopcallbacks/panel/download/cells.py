"""A text as a cell, made harmless in SQL, where it costs least: no line ends (so that every line is one record), no
card numbers, and in CSV no formulas.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from ...words.masking import CARD


class Cell(ColumnElement[str]):
    """Nearly all texts are harmless: a look or two by regular expressions each.

    `card`: the pattern of card numbers to mask, empty for none. `typed`: the file itself says that the cell is a text,
    so that what looks like a formula is none.
    """

    inherit_cache = False
    type = Text()

    def __init__(self, column: Any, card: str = CARD, typed: bool = False) -> None:
        self.column = column
        self.card = card
        self.typed = typed


@compiles(Cell)
def _cell(cell: Cell, compiler: SQLCompiler, **more: Any) -> str:
    text = compiler.process(cell.column, **more)
    harms = "|".join([_CONTROL, *(() if cell.typed else (_FORMULA, _SECOND))])
    harmless = (_TYPED if cell.typed else _MARKED).replace("TEXT", text).replace("CARD", cell.card)
    # Each look costs by the length of its pattern, and most texts need not be looked at for long.
    long = f" OR ({text} ~ '[0-9]{{4}}' AND {text} ~ '{_LONG}')" if cell.card else ""
    return f"CASE WHEN {text} <> '' AND ({text} ~ '{harms}'{long}) THEN {harmless} ELSE {text} END"


# The beginning of a formula (in full-width signs too), a control character, or what may be a card number.
_CONTROL = r"[\x01-\x1f\x7f-\x9f\u2028\u2029]"
_FORMULA = r"^[=+@\t\r＝＋＠－-]"
_WRITTEN = "^(?:[0-9]+|[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{1,7}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5})$"
_LONG = "[0-9]{13}|[0-9]{4}[ -](?:[0-9]{4}[ -][0-9]{4}|[0-9]{6})[ -][0-9]"
# A spreadsheet whose list separator is the semicolon has a cell begin behind each one.
_SECOND = r";([\t\r ]*[=+@＝＋＠－-])"
_MASKED = rf"""
    SELECT string_agg(
        run[1] || CASE WHEN digits ~ '^(?:CARD)$' AND run[2] ~ '{_WRITTEN}' AND (
            SELECT mod(sum(CASE mod(length(digits) - place, 2) WHEN 0 THEN substr(digits, place, 1)
                           ELSE substr('0246813579', substr(digits, place, 1)::int + 1, 1) END::int), 10) = 0
            FROM generate_series(1, length(digits)) AS place
        ) THEN regexp_replace(run[2], '[0-9](?=(?:[ -]?[0-9]){{4}})', '*', 'g') ELSE run[2] END,
        '' ORDER BY nth)
    FROM regexp_matches(
        regexp_replace(PLAIN, '{_CONTROL}', ' ', 'g'), '([^0-9]*)((?:[0-9](?:[ -]?[0-9])*)?)', 'g')
        WITH ORDINALITY AS runs (run, nth),
        LATERAL regexp_replace(run[2], '[ -]', '', 'g') AS digits
"""  # nosec B608 - constants, and a column's own name
_TYPED = f"({_MASKED.replace('PLAIN', 'TEXT')})"
_PLAIN = rf"regexp_replace(TEXT, '{_SECOND}', ';''\1', 'g')"
_MARKED = f"(CASE WHEN TEXT ~ '{_FORMULA}' THEN '''' ELSE '' END || ({_MASKED.replace('PLAIN', _PLAIN)}))"
