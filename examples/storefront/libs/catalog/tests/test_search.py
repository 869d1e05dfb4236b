import pytest

from catalog import Index, Product, Variant
from catalog.search import words

PRODUCTS = [
    Product("Red mug", (Variant("MUG-R"),), "A mug for tea.", frozenset({"kitchen"})),
    Product("Tea pot", (Variant("POT"),), "Goes with the mug.", frozenset({"kitchen", "tea"})),
    Product("Garden chair", (Variant("CHAIR"),), "For tea in the garden."),
]


@pytest.fixture
def index():
    return Index(PRODUCTS)


def names(found):
    return [product.name for product in found]


def test_words_have_no_accents():
    assert words("Crème BRÛLÉE, 2x") == ["creme", "brulee", "2x"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("mug", ["Red mug", "Tea pot"]),
        ("tea", ["Tea pot", "Garden chair", "Red mug"]),
        ("kitchen mug", ["Red mug", "Tea pot"]),
        ("gard", ["Garden chair"]),
        ("garden tea", ["Garden chair"]),
        ("spoon", []),
        ("  ", []),
    ],
)
def test_the_best_comes_first(index, query, expected):
    assert names(index.search(query)) == expected


def test_only_the_last_word_may_be_a_beginning(index):
    assert index.search("gard tea") == []
