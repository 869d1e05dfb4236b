import pytest

from money import Money, ParseError, format_money, parse_money
from money import text as text_module


@pytest.mark.parametrize(
    ("text", "amount", "code"),
    [
        ("12.50 EUR", "12.50", "EUR"),
        ("12,50 €", "12.50", "EUR"),
        ("€ 12,50", "12.50", "EUR"),
        ("-£1,234.00", "-1234.00", "GBP"),
        ("1'234.50 CHF", "1234.50", "CHF"),
        ("1,234,567 KRW", "1234567", "KRW"),
        ("1.234.567,89 EUR", "1234567.89", "EUR"),
        ("  -7 jpy ", "-7", "JPY"),
    ],
)
def test_amounts_are_read(text: str, amount: str, code: str) -> None:
    assert parse_money(text) == Money(amount, code)


def test_a_default_currency_fills_in() -> None:
    assert parse_money("12.50", default="USD") == Money("12.50", "USD")


@pytest.mark.parametrize("text", ["", "EUR", "12.50", "12 coins", "twelve EUR"])
def test_what_is_no_amount_is_said(text: str) -> None:
    with pytest.raises(ParseError):
        parse_money(text)


def test_an_ambiguous_symbol_is_not_guessed() -> None:
    with pytest.raises(ParseError, match="SEK, NOK"):
        parse_money("10 kr")


@pytest.mark.parametrize(
    ("money", "expected"),
    [
        (Money("1234.5", "EUR"), "1,234.50 EUR"),
        (Money("-0.005", "USD"), "-0.00 USD"),
        (Money("1234.5", "JPY"), "1,234 JPY"),
        (Money("1.2345", "KWD"), "1.234 KWD"),
    ],
)
def test_amounts_are_written(money: Money, expected: str) -> None:
    assert format_money(money) == expected


def test_locales_write_them_their_way() -> None:
    assert format_money(Money("1234.5", "EUR"), locale="de_DE") == "1.234,50\xa0€"


def test_without_babel_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "_babel", None)
    with pytest.raises(RuntimeError, match=r"money\[locale\]"):
        format_money(Money(1, "EUR"), locale="de_DE")
