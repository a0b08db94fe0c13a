"""Codes of an app and codes on paper."""

from __future__ import annotations

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select

from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Refused
from shopcallbacks.extensions import db
from shopcallbacks.shops import people
from shopcallbacks.shops.second_factor import STEP_S, RecoveryCode, SecondFactor, picture
from shopcallbacks.shops.users import Role, User

from ..factories import make_shop, make_user

SECRET = pyotp.random_base32()


def code(later: int = 0) -> str:
    """What the app shows so many half minutes from now."""
    return pyotp.TOTP(SECRET).generate_otp(int(utcnow().timestamp()) // STEP_S + later)


@pytest.fixture
def user(app: Flask) -> User:
    return make_user(Role.viewer, make_shop())


@pytest.fixture
def factor(user: User) -> SecondFactor:
    """Set up a while ago."""
    found = SecondFactor.begin(user, SECRET, code())
    assert found is not None
    found.step = 0
    db.session.commit()
    return found


def test_it_begins_with_a_code_that_fits(user: User) -> None:
    assert SecondFactor.begin(user, SECRET, "000000" if code() != "000000" else "111111") is None
    assert SecondFactor.of(user) is None
    assert SecondFactor.begin(user, SECRET, f" {code()[:3]} {code()[3:]} ") is not None
    assert SecondFactor.of(user) is not None


def test_clocks_may_differ_by_half_a_minute_and_not_by_more(factor: SecondFactor) -> None:
    assert not factor.fits(code(-4))
    assert not factor.fits(code(4))
    assert factor.fits(code(-1)) or factor.fits(code(0))  # half a minute may end between the two


def test_a_code_counts_once_and_so_do_those_before_it(factor: SecondFactor) -> None:
    taken = code(1)
    assert factor.fits(taken)
    assert not factor.fits(taken)
    assert not factor.fits(code(-1))


@pytest.mark.parametrize("typed", ["", " ", "x", "12345", "\u0661\u0662\u0663\u0664\u0665\u0666", "a" * 5000])
def test_what_is_no_code_does_not_fit(factor: SecondFactor, typed: str) -> None:
    assert not factor.fits(typed)


def test_a_recovery_code_counts_once_and_new_ones_end_it(factor: SecondFactor) -> None:
    first, second, *_ = former = RecoveryCode.make(factor)
    assert (len(set(former)), RecoveryCode.left(factor)) == (10, 10)
    assert factor.fits(first.upper().replace("-", " "))
    assert not factor.fits(first)
    assert RecoveryCode.left(factor) == 9
    anew = RecoveryCode.make(factor)
    assert [factor.fits(second), factor.fits(anew[0])] == [False, True]
    kept = repr(db.session.execute(select(RecoveryCode.__table__)).all())
    assert [one for one in (*former, *anew) if one in kept or one.replace("-", "") in kept] == []


def test_the_secret_is_sealed_for_its_user(factor: SecondFactor) -> None:
    assert SECRET.encode() not in factor.sealed
    other = SecondFactor(user_id=make_user(Role.viewer).id, sealed=factor.sealed, step=0)
    db.session.add(other)
    db.session.flush()
    assert not other.fits(code())


def test_the_picture_is_an_image_that_names_who_it_is_for(user: User) -> None:
    assert picture(SECRET, user).startswith("data:image/svg+xml")
    assert picture(SECRET, user) != picture(SECRET, make_user(Role.viewer))


def test_who_manages_a_person_resets_it(user: User, factor: SecondFactor) -> None:
    admin, other = make_user(Role.admin, *user.shops), make_user(Role.admin, make_shop())
    with pytest.raises(Refused, match="sees more than your shops"):
        people.reset_second_factor(other, user)
    people.reset_second_factor(admin, user)
    assert SecondFactor.of(user) is None
    assert not factor.fits(code())
    with pytest.raises(Refused, match="has no second factor"):
        people.reset_second_factor(admin, user)
