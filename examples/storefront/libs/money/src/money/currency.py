"""Currencies by their ISO 4217 codes."""

from __future__ import annotations

from decimal import Decimal
from typing import Dict, Union

import attrs


class UnknownCurrency(ValueError):
    """No currency has this code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"no currency has the code {code!r}")
        self.code = code


@attrs.frozen(order=False)
class Currency:
    """A currency: its code, its symbol, and how many digits its smallest coin has."""

    code: str = attrs.field(validator=attrs.validators.matches_re(r"[A-Z]{3}"))
    symbol: str
    digits: int = attrs.field(default=2, validator=attrs.validators.in_(range(5)))

    @property
    def unit(self) -> Decimal:
        """The smallest amount that can be paid: ``Decimal('0.01')``."""
        return Decimal(1).scaleb(-self.digits)

    def __str__(self) -> str:
        return self.code


def _table() -> Dict[str, Currency]:
    rows = [
        Currency("EUR", "€"),
        Currency("USD", "$"),
        Currency("GBP", "£"),
        Currency("CHF", "Fr."),
        Currency("SEK", "kr"),
        Currency("NOK", "kr"),
        Currency("DKK", "kr."),
        Currency("PLN", "zł"),
        Currency("CZK", "Kč"),
        Currency("JPY", "¥", 0),
        Currency("KRW", "₩", 0),
        Currency("CLP", "$", 0),
        Currency("KWD", "د.ك", 3),
        Currency("BHD", ".د.ب", 3),
        Currency("TND", "د.ت", 3),
    ]
    return {row.code: row for row in rows}


#: All currencies that are known, by code.
CURRENCIES = _table()


def currency(code: Union[str, Currency]) -> Currency:
    """The currency with a code; a currency is given back as it is."""
    if isinstance(code, Currency):
        return code
    try:
        return CURRENCIES[code.upper()]
    except KeyError:
        raise UnknownCurrency(code) from None
