"""What a shop sells, and what it costs today."""

from catalog.loading import LoadError, Problem, load, load_file
from catalog.pricing import PriceList, PriceMissing
from catalog.product import Product, Variant
from catalog.promotion import BuyNGetOne, PercentOff, Promotion, best_price
from catalog.search import Index
from catalog.shelf import Catalog, Duplicate, NotSold

__version__ = "0.3.0"

__all__ = [
    "BuyNGetOne",
    "Catalog",
    "Duplicate",
    "Index",
    "LoadError",
    "NotSold",
    "PercentOff",
    "PriceList",
    "PriceMissing",
    "Problem",
    "Product",
    "Promotion",
    "Variant",
    "best_price",
    "load",
    "load_file",
]
