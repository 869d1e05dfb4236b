from decimal import Decimal

import pytest

from money import CURRENCIES, Currency, UnknownCurrency, currency


def test_codes_are_found_in_any_case() -> None:
    assert currency("eur") is currency("EUR") is CURRENCIES["EUR"]
    assert currency(CURRENCIES["USD"]) is CURRENCIES["USD"]


def test_unknown_codes_are_named() -> None:
    with pytest.raises(UnknownCurrency, match="'XXX'") as caught:
        currency("XXX")
    assert caught.value.code == "XXX"


@pytest.mark.parametrize(("code", "unit"), [("EUR", "0.01"), ("JPY", "1"), ("KWD", "0.001")])
def test_the_smallest_coin(code: str, unit: str) -> None:
    assert currency(code).unit == Decimal(unit)


@pytest.mark.parametrize("code", ["", "EU", "eur", "EURO"])
def test_bad_codes_are_refused(code: str) -> None:
    with pytest.raises(ValueError):
        Currency(code, "?")
