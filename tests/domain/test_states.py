"""The closed sets: what hangs on a verb hangs on every verb."""

from __future__ import annotations

import pytest

from shopcallbacks.cli.callbacks import callbacks
from shopcallbacks.domain.states import BY_A_PERSON, BY_ITSELF, AttemptKind, Lane, Verb
from shopcallbacks.views.callbacks.verbs import NOUNS
from shopcallbacks.words import acts


@pytest.mark.parametrize("verb", Verb)
def test_each_verb_has_words_an_address_and_a_command(verb: Verb) -> None:
    assert verb in acts.VERBS
    assert verb in NOUNS
    assert verb in callbacks.commands
    assert verb.attempts is None or verb.attempts in acts.KINDS.keys() & acts.UNDER_WAY.keys()
    assert verb.attempts or (acts.VERBS[verb].done_to_many and acts.VERBS[verb].moves)


def test_no_two_verbs_have_the_same_address() -> None:
    assert len(set(NOUNS.values())) == len(NOUNS)


def test_each_kind_of_attempt_is_made_by_itself_or_asked_for_by_one_verb() -> None:
    assert sorted(BY_ITSELF + BY_A_PERSON) == sorted(AttemptKind)
    assert [Verb.asking(kind) for kind in BY_ITSELF] == [None, None]
    for verb in Verb:
        assert verb.attempts is None or Verb.asking(verb.attempts) is verb


def test_what_takes_a_verb_back_is_taken_back_by_it() -> None:
    pairs = {verb: verb.opposite for verb in Verb if verb.opposite}
    assert pairs == {
        Verb.owe: Verb.unowe,
        Verb.close: Verb.restore,
        Verb.remove: Verb.restore,
        Verb.restore: Verb.remove,
    }


def test_a_verb_is_found_by_its_name_and_an_act_that_is_none_is_not() -> None:
    assert Verb.named("force") is Verb.force
    assert Verb.named("log in") is None


def test_the_lane_of_callbacks_is_the_one_where_their_gateway_is_asked_or_the_plain_one() -> None:
    assert (Lane.for_callbacks(asks=True), Lane.for_callbacks(asks=False)) == (Lane.asking, Lane.plain)
