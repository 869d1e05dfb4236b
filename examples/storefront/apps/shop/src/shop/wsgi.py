"""The WSGI application (PEP 3333), on the standard library."""

from __future__ import annotations

import json
from datetime import date
from html import escape
from typing import Any, Callable, Dict, Iterable, List, Tuple
from urllib.parse import parse_qs

from catalog import Catalog, NotSold, PriceMissing, Product
from money import UnknownCurrency, format_money

from shop.assortment import assortment
from shop.cart import BadCart, make_bill, parse_cart

Environ = Dict[str, Any]
StartResponse = Callable[[str, List[Tuple[str, str]]], Any]
Answer = Tuple[str, str, str]


class Shop:
    """A shop that sells a catalog."""

    def __init__(self, catalog: Catalog, today: Callable[[], date] = date.today) -> None:
        self.catalog = catalog
        self.today = today

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        status, kind, text = self.answer(environ)
        body = text.encode()
        headers = [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [b"" if environ.get("REQUEST_METHOD") == "HEAD" else body]

    def answer(self, environ: Environ) -> Answer:
        """Status, content type and text for a request."""
        if environ.get("REQUEST_METHOD", "GET") not in ("GET", "HEAD"):
            return "405 Method Not Allowed", "text/plain", "only GET and HEAD are understood\n"
        path, query = environ.get("PATH_INFO", "/") or "/", environ.get("QUERY_STRING", "")
        try:
            if path == "/":
                return self._page("Storefront", self._list(list(self.catalog)))
            if path == "/healthz":
                return self._json({"status": "ok", "products": len(self.catalog)})
            if path == "/search":
                wanted = parse_qs(query).get("q", [""])[0]
                return self._page(f"Search: {wanted}", self._list(self.catalog.search(wanted)))
            if path.startswith("/products/"):
                return self._product(self.catalog.product(path[len("/products/"):]))
            if path.startswith("/bill/"):
                return self._bill(path[len("/bill/"):], query)
        except (NotSold, PriceMissing) as error:
            return "404 Not Found", "text/plain", f"{error}\n"
        except (BadCart, UnknownCurrency) as error:
            return "400 Bad Request", "text/plain", f"{error}\n"
        return "404 Not Found", "text/plain", f"there is no page {path}\n"

    def _list(self, products: List[Product]) -> str:
        items = (f'<li><a href="/products/{product.slug}">{escape(product.name)}</a></li>' for product in products)
        return f"<ul>{''.join(items)}</ul>"

    def _product(self, product: Product) -> Answer:
        rows = []
        for variant in product.variants:
            price = self.catalog.prices.unit_price(variant.sku, "EUR")
            rows.append(f"<tr><td>{variant.sku}</td><td>{escape(variant.label)}</td><td>{format_money(price)}</td></tr>")
        text = f"<p>{escape(product.description)}</p><table>{''.join(rows)}</table>"
        return self._page(product.name, text)

    def _bill(self, currency: str, query: str) -> Answer:
        bill = make_bill(self.catalog, parse_cart(query), currency, self.today())
        lines = [
            {"name": line.name, "quantity": line.quantity, "total": str(line.total), "promotion": line.promotion}
            for line in bill.lines
        ]
        return self._json({"lines": lines, "total": format_money(bill.total)})

    @staticmethod
    def _page(title: str, body: str) -> Answer:
        title = escape(title)
        return "200 OK", "text/html", f"<!doctype html><title>{title}</title><h1>{title}</h1>{body}\n"

    @staticmethod
    def _json(value: Any) -> Answer:
        return "200 OK", "application/json", json.dumps(value) + "\n"


#: The shop with the assortment that ships with it.
app = Shop(assortment())
