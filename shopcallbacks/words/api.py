"""What the document of the API says beside names and shapes."""

from __future__ import annotations

ABOUT = "For the programs of a shop: hand orders in, follow what becomes of them, read callbacks and act on them."
RULES = {
    "Versions": (
        "Within version 1 things are only added: fields, kinds of events, calls, filters. Pass over what you do not "
        "know. What would break a program that does so comes under an address of its own, `/api/v2`, and both work "
        "side by side for at least a year."
    ),
    "Sums and times": (
        "Sums are decimal text in major units with all decimals of the currency, never a JSON number. Times are "
        "RFC 3339, with their zone."
    ),
    "Problems": (
        "Whatever is wrong, wherever under `/api`, is answered as RFC 9457, `application/problem+json`: `title` is a "
        "sentence, `errors` names each bad field."
    ),
    "Pace": (
        "Each token may make so many calls a minute. `RateLimit` says how many are left and when they begin anew; one "
        "too many is answered with 429 and `Retry-After`."
    ),
}
TOKENS = "An API token of the shop: Settings > API tokens, or `flask tokens add`. Each has scopes, and a name."
REPEATS = (
    "Any text of your own. For 24 hours the same call with the same key is answered as the first was, and does nothing."
)
WEBHOOK = (
    "Signed as Standard Webhooks: HMAC-SHA256 in `webhook-signature`. Told at least once, in order for each order: the "
    "same change has the same `webhook-id`."
)
# What every call may answer, and what some do.
PROBLEMS = {
    400: "The address holds what is no text, or the body is not what HTTP calls one.",
    401: "The bearer token is missing or not known.",
    403: "The token lacks the scope.",
    429: "The token has made all its calls of this minute, or too many wrong tokens came. `Retry-After` says how long.",
    503: "The database is away, and nothing was taken: send it again after `Retry-After`.",
}
OWN_PROBLEMS = {
    404: "There is nothing of that name in this shop.",
    409: "It does not fit how things stand; that stands in the problem.",
    413: "The body is too large.",
    422: "What was sent can't be used; `errors` names each bad field.",
}
