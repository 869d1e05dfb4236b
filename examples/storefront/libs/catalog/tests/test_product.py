import pytest

from catalog import Product, Variant


def shirt(*skus):
    return Product("Plain Shirt", tuple(Variant(sku, {"size": sku[-1]}) for sku in skus or ("SHIRT-S", "SHIRT-M")))


def test_a_product_has_a_slug():
    assert Product("Café  au lait!", (Variant("CAFE"),)).slug == "caf-au-lait"


def test_variants_are_found_by_their_unit():
    assert shirt().variant("SHIRT-M").properties == {"size": "M"}
    with pytest.raises(KeyError):
        shirt().variant("SHIRT-X")


def test_choices_keep_their_order():
    assert shirt("A-M", "B-S", "C-L").choices() == {"size": ("M", "S", "L")}


def test_the_label_names_the_properties():
    assert Variant("S-1", {"size": "M", "colour": "red"}).label == "red, M"


@pytest.mark.parametrize("sku", ["", "shirt", "SHIRT-", "-S", "SH IRT"])
def test_bad_units_are_refused(sku):
    with pytest.raises(ValueError, match="no stock keeping unit"):
        Variant(sku)


@pytest.mark.parametrize(
    ("name", "variants", "message"),
    [
        (" ", (Variant("A"),), "has a name"),
        ("Shirt", (), "no variant"),
        ("Shirt", (Variant("A"), Variant("A")), "A twice"),
        ("Shirt", (Variant("A", {"size": "M"}), Variant("B")), "differ"),
    ],
)
def test_bad_products_are_refused(name, variants, message):
    with pytest.raises(ValueError, match=message):
        Product(name, variants)
