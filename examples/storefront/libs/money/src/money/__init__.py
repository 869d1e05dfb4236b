"""Amounts of money that do not lose a cent."""

from money.amount import CurrencyMismatch, Money
from money.currency import CURRENCIES, Currency, UnknownCurrency, currency
from money.exchange import MissingRate, RateTable
from money.rounding import Rounding
from money.text import ParseError, format_money, parse_money

__all__ = [
    "CURRENCIES",
    "Currency",
    "CurrencyMismatch",
    "MissingRate",
    "Money",
    "ParseError",
    "RateTable",
    "Rounding",
    "UnknownCurrency",
    "currency",
    "format_money",
    "parse_money",
]
