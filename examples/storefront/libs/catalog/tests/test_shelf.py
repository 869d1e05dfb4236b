from datetime import date

import pytest
from money import Money

from catalog import Catalog, Duplicate, NotSold, PercentOff, Product, Variant

DAY = date(2026, 3, 1)


@pytest.fixture
def catalog():
    catalog = Catalog()
    catalog.add(Product("Mug", (Variant("MUG-R"), Variant("MUG-B")), tags=frozenset({"kitchen"})))
    catalog.prices.set("MUG-R", Money("10", "EUR"))
    return catalog


def test_products_are_found_by_slug_and_unit(catalog):
    product, variant = catalog.find("MUG-B")
    assert product is catalog.product("mug") and variant.sku == "MUG-B"
    assert list(catalog) == [product] and len(catalog) == 1


def test_what_is_not_sold_is_said(catalog):
    with pytest.raises(NotSold, match="'CUP' is not sold here"):
        catalog.find("CUP")
    with pytest.raises(NotSold, match="called 'cup'"):
        catalog.product("cup")


def test_duplicates_leave_nothing_behind(catalog):
    with pytest.raises(Duplicate, match="MUG-R is 'Mug' already"):
        catalog.add(Product("Cup", (Variant("CUP"), Variant("MUG-R"))))
    with pytest.raises(NotSold):
        catalog.find("CUP")
    with pytest.raises(Duplicate, match="'mug'"):
        catalog.add(Product("mug", (Variant("OTHER"),)))


def test_a_line_of_a_bill(catalog):
    assert catalog.price("MUG-R", "EUR", 2, DAY) == (Money("20", "EUR"), None)
    sale = PercentOff("sale", "kitchen", percentage=10)
    catalog.promotions.append(sale)
    assert catalog.price("MUG-R", "EUR", 2, DAY) == (Money("18", "EUR"), sale)


def test_search_finds_what_was_added(catalog):
    assert [product.name for product in catalog.search("kitch")] == ["Mug"]
