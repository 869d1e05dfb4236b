"""Finding products by the words of their names, tags and descriptions."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from typing import Dict, Iterable, List, Tuple

from sortedcontainers import SortedList

from catalog.product import Product

#: What a word is worth where it stands.
_WEIGHTS = (("name", 5), ("tags", 3), ("description", 1))


def words(text: str) -> List[str]:
    """The words of a text, in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", text.lower())
    return re.findall(r"[a-z0-9]+", "".join(mark for mark in plain if not unicodedata.combining(mark)))


class Index:
    """An inverted index of products. The last word of a query may be the beginning of one."""

    def __init__(self, products: Iterable[Product] = ()) -> None:
        self._found: Dict[str, Dict[str, int]] = defaultdict(dict)
        self._words: SortedList = SortedList()
        self._products: Dict[str, Product] = {}
        for product in products:
            self.add(product)

    def add(self, product: Product) -> None:
        """Adds a product."""
        self._products[product.slug] = product
        texts = {"name": product.name, "tags": " ".join(product.tags), "description": product.description}
        for field, weight in _WEIGHTS:
            for word in words(texts[field]):
                if word not in self._found:
                    self._words.add(word)
                slugs = self._found[word]
                slugs[product.slug] = slugs.get(product.slug, 0) + weight

    def search(self, query: str) -> List[Product]:
        """Products that have every word of the query, the best first, equals by name; none for an empty query."""
        terms = words(query)
        if not terms:
            return []
        scores = [self._term(term, last=place == len(terms) - 1) for place, term in enumerate(terms)]
        slugs = set(scores[0]).intersection(*scores[1:])
        ranked: List[Tuple[int, str]] = sorted((-sum(score[slug] for score in scores), slug) for slug in slugs)
        return [self._products[slug] for _, slug in ranked]

    def _term(self, term: str, last: bool) -> Dict[str, int]:
        if not last:
            return self._found.get(term, {})
        merged: Dict[str, int] = defaultdict(int)
        for word in self._words.irange(term, term + "\uffff"):
            factor = 2 if word == term else 1
            for slug, score in self._found[word].items():
                merged[slug] += factor * score
        return merged
