"""A cart: units and quantities, and the bill that they make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Dict, List, Optional
from urllib.parse import parse_qsl

from catalog import Catalog
from money import Money


class BadCart(ValueError):
    """A cart that no shop could sell."""


@dataclass(frozen=True)
class Line:
    """A line of a bill."""

    name: str
    sku: str
    quantity: int
    total: Money
    promotion: Optional[str]


@dataclass(frozen=True)
class Bill:
    """What a cart costs."""

    lines: List[Line]
    total: Money

    def per_head(self, heads: int) -> List[Money]:
        """The total, split between people who share it."""
        return list(self.total.rounded().split(heads))


def parse_cart(query: str) -> Dict[str, int]:
    """Reads ``MUG-RED=2&POT=1``."""
    cart: Dict[str, int] = {}
    for sku, number in parse_qsl(query, keep_blank_values=True):
        if not number.isdecimal() or not 0 < int(number) <= 999:
            raise BadCart(f"{number!r} of {sku} cannot be bought: 1 to 999 can")
        cart[sku] = cart.get(sku, 0) + int(number)
    return cart


def make_bill(catalog: Catalog, cart: Dict[str, int], currency: str, day: date) -> Bill:
    """The bill of a cart on a day."""
    lines = []
    for sku, quantity in cart.items():
        product, variant = catalog.find(sku)
        total, promotion = catalog.price(sku, currency, quantity, day)
        name = f"{product.name} ({variant.label})" if variant.label else product.name
        lines.append(Line(name, sku, quantity, total.rounded(), promotion.name if promotion else None))
    return Bill(lines, Money.sum((line.total for line in lines), currency))
