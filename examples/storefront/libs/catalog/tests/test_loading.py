import json
import sys

import pytest
from money import Money

from catalog import LoadError, load, load_file

CSV = """\
name,sku,price,tags,size
Shirt,SHIRT-S,20 EUR|24 USD,clothes cotton,S
Shirt,SHIRT-M,21 EUR,,M
Mug,MUG,"7,99 EUR",kitchen,
"""


def test_rows_of_one_name_are_variants():
    catalog = load(CSV, "csv")
    assert len(catalog) == 2
    assert catalog.product("shirt").choices() == {"size": ("S", "M")}
    assert catalog.product("shirt").tags == {"clothes", "cotton"}
    assert catalog.prices.unit_price("SHIRT-S", "USD") == Money(24, "USD")
    assert catalog.prices.unit_price("MUG", "EUR") == Money("7.99", "EUR")


def test_json_and_yaml_say_the_same(tmp_path):
    rows = [{"name": "Mug", "sku": "MUG", "price": "7.99 EUR", "colour": "red"}]
    file = tmp_path / "catalog.JSON"
    file.write_text(json.dumps(rows), encoding="utf-8")
    by_json = load_file(file)
    by_yaml = load("- {name: Mug, sku: MUG, price: 7.99 EUR, colour: red}", "yaml")
    assert list(by_json) == list(by_yaml)


def test_every_problem_is_found_with_its_row():
    text = "name,sku,price\nMug,mug,1 EUR\n,CUP,1 EUR\nPot,POT,cheap\nPan,PAN,1 EUR,extra\n"
    with pytest.raises(LoadError) as caught:
        load(text, "csv")
    assert [problem.row for problem in caught.value.problems] == [2, 3, 4, 5]
    assert "row 3: name missing" in str(caught.value)


def test_products_that_clash_are_problems():
    text = "name,sku,price\nMug,MUG,1 EUR\nCup,MUG,1 EUR\n"
    with pytest.raises(LoadError, match="row 3: MUG is 'Mug' already"):
        load(text, "csv")


@pytest.mark.parametrize("text", ["{", "{}", "[1]"])
def test_bad_json_is_said(text):
    with pytest.raises(LoadError):
        load(text, "json")


def test_unknown_forms_are_refused():
    with pytest.raises(ValueError, match="csv, json, yaml, yml are"):
        load("", "xls")


def test_without_pyyaml_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(RuntimeError, match=r"catalog\[yaml\]"):
        load("[]", "yaml")
