from datetime import date

import pytest
from money import Money

from catalog import BuyNGetOne, PercentOff, Product, Variant, best_price

DAY = date(2026, 3, 1)
MUG = Product("Mug", (Variant("MUG"),), tags=frozenset({"kitchen"}))
PRICE = Money("9.99", "EUR")


def eur(amount):
    return Money(amount, "EUR")


def test_a_percentage_is_rounded_down():
    assert PercentOff("sale", percentage=15).discount(PRICE, 1) == eur("1.49")


@pytest.mark.parametrize(("quantity", "free"), [(1, 0), (2, 0), (3, 1), (5, 1), (6, 2)])
def test_every_third_is_free(quantity, free):
    assert BuyNGetOne("three for two", n=2).discount(PRICE, quantity) == PRICE * free


@pytest.mark.parametrize(
    ("first", "last", "on"),
    [
        (None, None, True),
        (date(2026, 3, 1), None, True),
        (date(2026, 3, 2), None, False),
        (None, date(2026, 3, 1), True),
        (None, date(2026, 2, 28), False),
    ],
)
def test_promotions_have_their_days(first, last, on):
    assert PercentOff("sale", None, first, last, percentage=5).applies(MUG, DAY) is on


def test_a_tag_limits_a_promotion():
    assert PercentOff("sale", "kitchen", percentage=5).applies(MUG, DAY)
    assert not PercentOff("sale", "garden", percentage=5).applies(MUG, DAY)


def test_the_best_promotion_wins():
    five, half = PercentOff("five", percentage=5), BuyNGetOne("two for one", n=1)
    assert best_price(MUG, PRICE, 1, [five, half], DAY) == (eur("9.50"), five)
    assert best_price(MUG, PRICE, 2, [five, half], DAY) == (PRICE, half)
    assert best_price(MUG, PRICE, 2, [], DAY) == (PRICE * 2, None)


@pytest.mark.parametrize("percentage", [0, -1, 101])
def test_bad_percentages_are_refused(percentage):
    with pytest.raises(ValueError, match="cannot be taken off"):
        PercentOff("sale", percentage=percentage)


def test_impossible_promotions_are_refused():
    with pytest.raises(ValueError, match="ends before"):
        PercentOff("sale", None, date(2026, 2, 2), date(2026, 2, 1), percentage=1)
    with pytest.raises(ValueError, match="no business"):
        BuyNGetOne("free for all", n=0)
