"""One name for a reason, wherever it stands."""

from __future__ import annotations

from shopcallbacks.domain.errors import Conflict, Reason
from shopcallbacks.words.reasons import cause, cause_of_any

PAYPAL, STRIPE = ("PayPal", True), ("Stripe", False)


def test_of_one_gateway_it_is_called_as_its_row_calls_it() -> None:
    for reason in Reason:
        assert cause_of_any(reason, None, [PAYPAL]) == cause(reason, None, *PAYPAL)
    for conflict in Conflict:
        assert cause_of_any(conflict.reason, conflict, [STRIPE]) == cause(conflict.reason, conflict, *STRIPE)


def test_of_several_it_names_all_that_it_means() -> None:
    assert cause_of_any(Reason.gateway_unreachable, None, [PAYPAL, STRIPE]) == "The gateway could not be reached"
    both = "Signature does not match, or the gateway says it did not send this"
    assert cause_of_any(Reason.not_genuine, None, [STRIPE, PAYPAL]) == both
    assert cause_of_any(Reason.not_genuine, None, []) == "Signature does not match"
