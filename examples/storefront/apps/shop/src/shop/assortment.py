"""What this shop sells."""

from __future__ import annotations

from importlib.resources import files

from catalog import BuyNGetOne, Catalog, PercentOff, load


def assortment() -> Catalog:
    """The catalog that ships with the shop, with today's promotions."""
    catalog = load(files("shop").joinpath("assortment.csv").read_text(encoding="utf-8"), "csv")
    catalog.promotions.append(PercentOff("a tenth off the kitchen", "kitchen", percentage=10))
    catalog.promotions.append(BuyNGetOne("three socks for two", "socks", n=2))
    return catalog
