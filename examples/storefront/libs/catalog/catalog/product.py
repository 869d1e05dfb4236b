"""Products and the variants in which they are sold."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, Mapping, Tuple

_SKU = re.compile(r"[A-Z0-9]+(-[A-Z0-9]+)*")


@dataclass(frozen=True)
class Variant:
    """What is put into a cart: a stock keeping unit with its properties, as in ``{"size": "M"}``."""

    sku: str
    properties: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _SKU.fullmatch(self.sku):
            raise ValueError(f"{self.sku!r} is no stock keeping unit: capitals and digits, joined by hyphens")

    def __hash__(self) -> int:
        return hash(self.sku)

    @property
    def label(self) -> str:
        """The properties as a person reads them: ``red, M``."""
        return ", ".join(self.properties[name] for name in sorted(self.properties))


@dataclass(frozen=True)
class Product:
    """Something that is sold, in one variant or several."""

    name: str
    variants: Tuple[Variant, ...]
    description: str = ""
    tags: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("a product has a name")
        if not self.variants:
            raise ValueError(f"{self.name!r} has no variant: nothing of it can be sold")
        skus = [variant.sku for variant in self.variants]
        twice = sorted({sku for sku in skus if skus.count(sku) > 1})
        if twice:
            raise ValueError(f"{self.name!r} has {twice[0]} twice")
        names = {frozenset(variant.properties) for variant in self.variants}
        if len(names) > 1:
            raise ValueError(f"the variants of {self.name!r} differ in the names of their properties")

    @property
    def slug(self) -> str:
        """The name as it stands in a URL."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    def variant(self, sku: str) -> Variant:
        """The variant with a stock keeping unit."""
        for variant in self.variants:
            if variant.sku == sku:
                return variant
        raise KeyError(sku)

    def choices(self) -> Dict[str, Tuple[str, ...]]:
        """What can be chosen: the values of each property, in the order in which variants name them."""
        found: Dict[str, Dict[str, None]] = {}
        for variant in self.variants:
            for name, value in variant.properties.items():
                found.setdefault(name, {})[value] = None
        return {name: tuple(values) for name, values in found.items()}
