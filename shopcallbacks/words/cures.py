"""How each of what is ours to mend about a callback is put right, sentence by sentence."""

from __future__ import annotations

from ..domain.errors import Conflict

CURES: dict[Conflict, tuple[str, ...]] = {
    Conflict.secret_retired: (
        "{gateway} still signs with a secret that was retired here. It was yours, so whoever signs with it is "
        "{gateway}, unless the secret got known to others.",
        "Put it back for as long as {gateway} needs to change over. What waits passes then: retry it.",
    ),
    Conflict.secret_of_other_mode: (
        "The shop has a live and a test account of {gateway}, and this came to the address of one, signed for "
        "the other.",
        "Look in {gateway}'s back office which address is entered for live payments and which for test ones, and which "
        "secret belongs to which. Then enter the right secret here, or the right address there.",
        "What came to the wrong address stays here: have {gateway} send it again, and remove it.",
    ),
    Conflict.secret_elsewhere: (
        "The shop has several accounts of {gateway}, and this came to the address of one, signed for another one.",
        "Look in {gateway}'s back office which address is entered for which account. Then enter the right secret here, "
        "or the right address there.",
        "What came to the wrong address stays here: have {gateway} send it again, and remove it.",
    ),
    Conflict.mistimed: (
        "The signature fits, but it was made too long before (or after) it came.",
        "If the clock of this server is wrong, have it set. If {gateway} sends late, allow its signatures a "
        "greater age in the settings.",
        "Whoever saw an old callback can send it once more: look the payment up in {gateway} before you force it.",
    ),
    Conflict.rewritten: (
        "The signature fits what {gateway} sent, but not what came: a proxy, a firewall or a mail filter in between "
        "changed some bytes.",
        "Have it pass callbacks on as they are, byte for byte.",
        "What was changed can't pass any more: have {gateway} send it again.",
    ),
}
