from decimal import Decimal

import pytest

from money import CurrencyMismatch, Money, Rounding


def eur(amount: str) -> Money:
    return Money(amount, "EUR")


def test_amounts_are_added_and_subtracted() -> None:
    assert eur("1.10") + eur("2.20") == eur("3.30")
    assert eur("1.10") - eur("2.20") == eur("-1.10")


def test_arithmetic_keeps_every_digit() -> None:
    assert (eur("0.10") * "0.333").amount == Decimal("0.03330")
    assert (eur("1.00") / 8).amount == Decimal("0.125")


def test_an_amount_can_be_multiplied_from_both_sides() -> None:
    assert 3 * eur("1.50") == eur("1.50") * 3 == eur("4.50")


@pytest.mark.parametrize("number", [0.1, True, None, object()])
def test_inexact_numbers_are_refused(number: object) -> None:
    with pytest.raises(TypeError, match="no exact number"):
        Money(number, "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize("number", ["", "ten", "NaN", "Infinity"])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(ValueError):
        eur(number)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(CurrencyMismatch, match="EUR and USD"):
        eur("1") + Money("1", "USD")
    with pytest.raises(CurrencyMismatch):
        assert eur("1") < Money("1", "USD")
    assert eur("1") != Money("1", "USD")


def test_amounts_are_ordered() -> None:
    assert sorted([eur("2"), eur("-1"), eur("0.5")]) == [eur("-1"), eur("0.5"), eur("2")]
    assert max(eur("2"), eur("3")) == eur("3")


def test_equal_amounts_have_equal_hashes() -> None:
    assert {eur("1.0"), eur("1.00")} == {eur("1")}


def test_an_amount_does_not_change() -> None:
    with pytest.raises(AttributeError, match="does not change"):
        eur("1").amount = Decimal(2)  # type: ignore[misc]


def test_nothing_is_false() -> None:
    assert not Money.zero("EUR")
    assert eur("-0.01")


def test_sums() -> None:
    assert Money.sum([eur("1"), eur("2")], "EUR") == eur("3")
    assert Money.sum([], "JPY") == Money.zero("JPY")


def test_ratio_and_percentage() -> None:
    assert eur("3").ratio(eur("2")) == Decimal("1.5")
    assert eur("19.99").percent(19).amount == Decimal("3.7981")


def test_two_amounts_have_no_product() -> None:
    with pytest.raises(TypeError, match="no product"):
        eur("2") * eur("2")  # type: ignore[operator]
    with pytest.raises(TypeError, match="ratio"):
        eur("2") / eur("2")  # type: ignore[operator]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Rounding.HALF_EVEN, "2.12"),
        (Rounding.HALF_UP, "2.13"),
        (Rounding.DOWN, "2.12"),
        (Rounding.UP, "2.13"),
        (Rounding.FLOOR, "2.12"),
        (Rounding.CEILING, "2.13"),
    ],
)
def test_rounding_modes(mode: Rounding, expected: str) -> None:
    assert eur("2.125").rounded(mode) == eur(expected)


@pytest.mark.parametrize(("mode", "expected"), [(Rounding.DOWN, "-2.12"), (Rounding.FLOOR, "-2.13")])
def test_negative_amounts_are_rounded_by_their_mode(mode: Rounding, expected: str) -> None:
    assert eur("-2.125").rounded(mode) == eur(expected)


def test_rounding_to_a_coin() -> None:
    assert Money("7.48", "CHF").rounded(Rounding.HALF_UP, unit="0.05") == Money("7.50", "CHF")
    assert Money("7.5", "JPY").rounded(Rounding.HALF_EVEN) == Money("8", "JPY")
    with pytest.raises(ValueError, match="positive"):
        eur("1").rounded(unit=0)


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 11])
@pytest.mark.parametrize("amount", ["10.00", "0.01", "-5.03", "0"])
def test_splitting_loses_nothing(amount: str, parts: int) -> None:
    pieces = eur(amount).split(parts)
    assert Money.sum(pieces, "EUR") == eur(amount)
    assert max(pieces).amount - min(pieces).amount <= Decimal("0.01")


def test_the_first_parts_get_the_rest() -> None:
    assert eur("10.00").split(3) == (eur("3.34"), eur("3.33"), eur("3.33"))


def test_allocation_follows_the_weights() -> None:
    assert eur("0.05").allocate([3, 7]) == (eur("0.02"), eur("0.03"))
    assert eur("100").allocate([50, "30", Decimal(20)]) == (eur("50"), eur("30"), eur("20"))
    assert Money("10", "KWD").allocate([1, 1, 1])[0] == Money("3.334", "KWD")


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_bad_weights_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        eur("1").allocate(weights)


def test_what_cannot_be_paid_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="round it first"):
        eur("0.005").split(2)
    with pytest.raises(ValueError, match="one part"):
        eur("1").split(0)


def test_text_of_an_amount() -> None:
    assert str(eur("-1.50")) == "-1.50 EUR"
    assert repr(eur("1.50")) == "Money('1.50', 'EUR')"
    assert abs(-eur("1.50")) == eur("1.50")
