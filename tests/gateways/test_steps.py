"""How each gateway is set up: true of what its file reads, and fit to be read on a screen."""

from __future__ import annotations

import inspect
import re
import sys
from urllib.parse import urlsplit

import pytest

from shopcallbacks.gateways import GATEWAYS

SENTENCE = re.compile(r"[A-Z][^.?!].*[^.\s]\.(\.\.\.)?", re.DOTALL)
EVENT = re.compile(r"\b[a-z_]+(?:[.:][a-z_]+)+\b")


@pytest.mark.parametrize("name", list(GATEWAYS))
def test_each_gateway_has_three_to_six_steps_each_a_sentence(name: str) -> None:
    steps = GATEWAYS[name].steps
    assert 3 <= len(steps) <= 6
    assert [step.text for step in steps if not SENTENCE.fullmatch(step.text)] == []


@pytest.mark.parametrize("name", list(GATEWAYS))
def test_each_link_of_a_step_is_https_and_of_a_host(name: str) -> None:
    links = [urlsplit(step.link) for step in GATEWAYS[name].steps if step.link]
    assert [link for link in links if link.scheme != "https" or not link.hostname] == []


@pytest.mark.parametrize("name", list(GATEWAYS))
def test_each_gateway_says_once_where_its_account_s_address_goes_and_where_the_order_number(name: str) -> None:
    told = " ".join(step.text for step in GATEWAYS[name].steps)
    assert "account's address" in told or "make it this account's" in told
    assert "order number" in told


@pytest.mark.parametrize("name", list(GATEWAYS))
def test_each_event_that_is_to_be_ticked_is_read_by_the_gateway_s_file(name: str) -> None:
    gateway = GATEWAYS[name]
    ticked = {
        event
        for step in gateway.steps
        if step.text.startswith(("Tick", "Leave on", "Let it tell"))
        for event in EVENT.findall(step.text)
    }
    source = inspect.getsource(sys.modules[type(gateway).__module__])
    read = [event for event in ticked if f'"{event}"' in source or f'"{event.partition(".")[0]}."' in source]
    assert sorted(ticked - set(read)) == []
