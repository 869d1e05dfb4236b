"""Price lists: what a unit costs, in one currency or several, from a quantity on."""

from __future__ import annotations

from typing import Dict, Iterator, Optional, Tuple

from money import Currency, Money, RateTable, Rounding, currency
from sortedcontainers import SortedDict


class PriceMissing(LookupError):
    """A price list has no price for a unit in a currency, and no rate to make one."""

    def __init__(self, sku: str, code: str) -> None:
        super().__init__(f"{sku} has no price in {code}")
        self.sku = sku
        self.code = code


class PriceList:
    """Prices by unit and currency, each with cheaper ones from larger quantities on.

    Where a currency has no price of its own, the first one given is exchanged by the rates, and rounded as bills are.
    """

    def __init__(self, rates: Optional[RateTable] = None) -> None:
        self._rates = rates
        self._prices: Dict[str, Dict[str, SortedDict]] = {}

    def set(self, sku: str, price: Money, quantity: int = 1) -> None:
        """Sets what one of a unit costs if at least ``quantity`` are bought."""
        if price.amount < 0:
            raise ValueError(f"{sku} cannot cost {price}")
        if quantity < 1:
            raise ValueError("a quantity is one or more")
        steps = self._prices.setdefault(sku, {}).setdefault(price.currency.code, SortedDict())
        steps[quantity] = price

    def unit_price(self, sku: str, code: str, quantity: int = 1) -> Money:
        """What one of a unit costs if ``quantity`` are bought."""
        wanted = currency(code)
        by_currency = self._prices.get(sku, {})
        if wanted.code in by_currency:
            return self._step(by_currency[wanted.code], sku, wanted, quantity)
        if self._rates is not None:
            for steps in by_currency.values():
                price = self._step(steps, sku, wanted, quantity)
                return self._rates.exchange(price, wanted).rounded(Rounding.HALF_UP)
        raise PriceMissing(sku, wanted.code)

    def total(self, sku: str, code: str, quantity: int) -> Money:
        """What ``quantity`` of a unit cost."""
        return self.unit_price(sku, code, quantity) * quantity

    def steps(self, sku: str, code: str) -> Iterator[Tuple[int, Money]]:
        """The quantities from which on a unit is cheaper, with what it then costs."""
        yield from self._prices.get(sku, {}).get(currency(code).code, SortedDict()).items()

    def __contains__(self, sku: str) -> bool:
        return sku in self._prices

    @staticmethod
    def _step(steps: SortedDict, sku: str, wanted: Currency, quantity: int) -> Money:
        place = steps.bisect_right(quantity)
        if not place:
            raise PriceMissing(sku, wanted.code)
        price: Money = steps.peekitem(place - 1)[1]
        return price
