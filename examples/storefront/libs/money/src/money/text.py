"""Amounts as people write and read them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Optional

from money.amount import Money
from money.currency import CURRENCIES, Currency, UnknownCurrency, currency

_babel: Any = None
try:  # the extra `locale`
    from babel.numbers import format_currency

    _babel = format_currency
except ImportError:
    pass

_NUMBER = r"(?P<sign>[-+]?)(?P<number>\d[\d .,']*)"
_FORMS = (
    re.compile(rf"{_NUMBER}\s*(?P<name>[^\d\s.,'+-]\S*)"),
    re.compile(rf"(?P<name>[^\d\s+-]+?)\s*{_NUMBER}"),
    re.compile(rf"(?P<lead>[-+]?)(?P<name>[^\d\s+-]+?)\s*{_NUMBER}"),
)


class ParseError(ValueError):
    """A text is no amount of money."""


def format_money(money: Money, locale: Optional[str] = None) -> str:
    """The amount with its currency: ``1,234.50 EUR``, or as a locale writes it where babel is installed."""
    payable = money.rounded()
    if locale is not None:
        if _babel is None:
            raise RuntimeError("formatting for a locale needs babel: install `money[locale]`")
        text: str = _babel(payable.amount, payable.currency.code, locale=locale)
        return text
    return f"{payable.amount:,.{payable.currency.digits}f} {payable.currency}"


def parse_money(text: str, default: Optional[str] = None) -> Money:
    """Reads ``12.50 EUR``, ``€ 12,50``, ``-$1,234.00`` or, with a default currency, ``12.50``."""
    stripped = text.strip()
    for form in _FORMS:
        match = form.fullmatch(stripped)
        if match:
            groups = match.groupdict()
            sign = groups.get("lead") or groups["sign"]
            return Money(_number(groups["number"], sign, text), _named(groups["name"], text))
    plain = re.fullmatch(_NUMBER, stripped)
    if plain and default is not None:
        return Money(_number(plain["number"], plain["sign"], text), default)
    raise ParseError(f"{text!r} is no amount of money")


def _named(name: str, text: str) -> Currency:
    try:
        return currency(name)
    except UnknownCurrency:
        found = [known for known in CURRENCIES.values() if known.symbol == name]
    if not found:
        raise ParseError(f"{text!r} names no known currency")
    if len(found) > 1:
        codes = ", ".join(known.code for known in found)
        raise ParseError(f"{text!r} could be any of {codes}: write the code")
    return found[0]


def _number(digits: str, sign: str, text: str) -> Decimal:
    number = digits.strip().replace(" ", "").replace("'", "")
    last = max(number.rfind("."), number.rfind(","))
    if last >= 0:
        head, mark, tail = number[:last], number[last], number[last + 1:]
        other = "," if mark == "." else "."
        if mark in head and other not in head and len(tail) == 3:
            head, tail = head + tail, ""  # 1,234,567
        number = head.replace(".", "").replace(",", "") + ("." + tail if tail else "")
    try:
        return Decimal(sign + number)
    except ArithmeticError:
        raise ParseError(f"{text!r} has no readable number") from None
