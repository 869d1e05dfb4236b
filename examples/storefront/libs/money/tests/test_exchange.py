from decimal import Decimal

import pytest

from money import MissingRate, Money, RateTable

TABLE = RateTable([("EUR", "USD", "1.25"), ("USD", "JPY", 160), ("GBP", "NOK", "12.5")])


def test_given_rates_and_their_inverses() -> None:
    assert TABLE.rate("EUR", "USD") == Decimal("1.25")
    assert TABLE.rate("USD", "EUR") == Decimal("0.8")
    assert TABLE.rate("EUR", "EUR") == 1


def test_rates_by_way_of_others() -> None:
    assert TABLE.rate("EUR", "JPY") == 200
    assert TABLE.exchange(Money("2.50", "EUR"), "JPY") == Money(500, "JPY")


def test_a_missing_rate_names_both_currencies() -> None:
    with pytest.raises(MissingRate, match="from EUR to NOK"):
        TABLE.rate("EUR", "NOK")


@pytest.mark.parametrize("rate", ["0", "-1"])
def test_rates_are_positive(rate: str) -> None:
    with pytest.raises(ValueError, match="positive"):
        RateTable([("EUR", "USD", rate)])


def test_a_currency_has_no_rate_to_itself() -> None:
    with pytest.raises(ValueError, match="worth itself"):
        RateTable([("EUR", "EUR", 1)])
