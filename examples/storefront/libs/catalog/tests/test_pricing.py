import pytest
from money import Money, RateTable

from catalog import PriceList, PriceMissing

RATES = RateTable([("EUR", "USD", "1.25")])


@pytest.fixture
def prices():
    prices = PriceList(RATES)
    prices.set("MUG", Money("7.99", "EUR"))
    prices.set("MUG", Money("6.99", "EUR"), quantity=10)
    return prices


@pytest.mark.parametrize(("quantity", "price"), [(1, "7.99"), (9, "7.99"), (10, "6.99"), (1000, "6.99")])
def test_larger_quantities_are_cheaper(prices, quantity, price):
    assert prices.unit_price("MUG", "EUR", quantity) == Money(price, "EUR")
    assert prices.total("MUG", "EUR", quantity) == Money(price, "EUR") * quantity


def test_other_currencies_follow_the_rates(prices):
    assert prices.unit_price("MUG", "USD") == Money("9.99", "USD")


def test_a_price_of_its_own_beats_the_rates(prices):
    prices.set("MUG", Money("8.50", "USD"))
    assert prices.unit_price("MUG", "USD") == Money("8.50", "USD")


def test_a_missing_price_names_unit_and_currency(prices):
    with pytest.raises(PriceMissing, match="CUP has no price in EUR"):
        prices.unit_price("CUP", "EUR")
    with pytest.raises(PriceMissing):
        PriceList().unit_price("MUG", "EUR")


def test_steps_are_listed(prices):
    assert [quantity for quantity, _ in prices.steps("MUG", "eur")] == [1, 10]
    assert "MUG" in prices and "CUP" not in prices


def test_bad_prices_are_refused(prices):
    with pytest.raises(ValueError, match="cannot cost"):
        prices.set("MUG", Money("-1", "EUR"))
    with pytest.raises(ValueError, match="one or more"):
        prices.set("MUG", Money("1", "EUR"), quantity=0)
