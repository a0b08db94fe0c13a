"""A statement's figures as they are read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FigureWords:
    """`says`: what is in it, a sentence."""

    name: str
    says: str


FIGURES = {
    "came_in": FigureWords("came in", "Payments."),
    "taken_out": FigureWords("taken out of the books", "Payments that were booked and never were any."),
    "given_back": FigureWords("given back", "Refunds, and what a person says was given back."),
    "failed": FigureWords("refunds that failed", "Money that came back to you, and is the customer's."),
    "charged_back": FigureWords("charged back", "What banks took."),
    "won": FigureWords("charged back and won", "What banks brought back."),
    "owed": FigureWords("owed at the end", "Customers' money that was still with you."),
}
