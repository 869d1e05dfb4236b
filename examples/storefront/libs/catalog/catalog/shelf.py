"""The catalog: products, their prices, and what a line of a bill costs."""

from __future__ import annotations

from datetime import date
from typing import Dict, Iterator, List, Optional, Tuple

from money import Money

from catalog.pricing import PriceList
from catalog.product import Product, Variant
from catalog.promotion import Promotion, best_price
from catalog.search import Index


class Duplicate(ValueError):
    """A stock keeping unit or a name is there already."""


class NotSold(LookupError):
    """No product has this stock keeping unit."""


class Catalog:
    """Everything that a shop sells."""

    def __init__(self, prices: Optional[PriceList] = None) -> None:
        self.prices = prices or PriceList()
        self.promotions: List[Promotion] = []
        self._products: Dict[str, Product] = {}
        self._by_sku: Dict[str, Product] = {}
        self._index = Index()

    def add(self, product: Product) -> None:
        """Adds a product: all of its variants or, if one is there already, none."""
        if product.slug in self._products:
            raise Duplicate(f"there is a product {product.name!r} already")
        for variant in product.variants:
            if variant.sku in self._by_sku:
                raise Duplicate(f"{variant.sku} is {self._by_sku[variant.sku].name!r} already")
        self._products[product.slug] = product
        self._by_sku.update((variant.sku, product) for variant in product.variants)
        self._index.add(product)

    def product(self, slug: str) -> Product:
        """The product with a slug."""
        try:
            return self._products[slug]
        except KeyError:
            raise NotSold(f"no product is called {slug!r}") from None

    def find(self, sku: str) -> Tuple[Product, Variant]:
        """The product and the variant with a stock keeping unit."""
        try:
            product = self._by_sku[sku]
        except KeyError:
            raise NotSold(f"{sku!r} is not sold here") from None
        return product, product.variant(sku)

    def price(self, sku: str, code: str, quantity: int, day: date) -> Tuple[Money, Optional[Promotion]]:
        """What a line of a bill costs on a day, and the promotion that made it so."""
        product, _ = self.find(sku)
        return best_price(product, self.prices.unit_price(sku, code, quantity), quantity, self.promotions, day)

    def search(self, query: str) -> List[Product]:
        """Products for a query, the best first."""
        return self._index.search(query)

    def __iter__(self) -> Iterator[Product]:
        return iter(self._products.values())

    def __len__(self) -> int:
        return len(self._products)
