"""Promotions: what is taken off a line of a bill."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Iterable, Optional, Tuple, Union

from money import Money, Rounding

from catalog.product import Product


@dataclass(frozen=True)
class Promotion(ABC):
    """Something off, for products with a tag, while it lasts."""

    name: str
    tag: Optional[str] = None
    first: Optional[date] = None
    last: Optional[date] = None

    def __post_init__(self) -> None:
        if self.first and self.last and self.last < self.first:
            raise ValueError(f"{self.name!r} ends before it begins")

    def applies(self, product: Product, day: date) -> bool:
        """Whether the promotion is on for a product on a day."""
        begun = self.first is None or self.first <= day
        over = self.last is not None and self.last < day
        return begun and not over and (self.tag is None or self.tag in product.tags)

    @abstractmethod
    def discount(self, unit_price: Money, quantity: int) -> Money:
        """What is taken off ``quantity`` units; never more than they cost."""


@dataclass(frozen=True)
class PercentOff(Promotion):
    """A percentage off, rounded down to the cent."""

    percentage: Union[int, str, Decimal] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < Decimal(self.percentage) <= 100:
            raise ValueError(f"{self.percentage} percent cannot be taken off")

    def discount(self, unit_price: Money, quantity: int) -> Money:
        return (unit_price * quantity).percent(self.percentage).rounded(Rounding.DOWN)


@dataclass(frozen=True)
class BuyNGetOne(Promotion):
    """Every ``n + 1``-th unit is free."""

    n: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n < 1:
            raise ValueError("one free unit for none bought is no business")

    def discount(self, unit_price: Money, quantity: int) -> Money:
        return unit_price * (quantity // (self.n + 1))


def best_price(
    product: Product, unit_price: Money, quantity: int, promotions: Iterable[Promotion], day: date
) -> Tuple[Money, Optional[Promotion]]:
    """What a line costs with the promotion that takes most off, and that promotion; the first one wins a tie."""
    full = unit_price * quantity
    best: Optional[Promotion] = None
    off = Money.zero(unit_price.currency)
    for promotion in promotions:
        if promotion.applies(product, day):
            discount = min(promotion.discount(unit_price, quantity), full)
            if discount > off:
                best, off = promotion, discount
    return full - off, best
