"""The shop with the real libraries beneath it, in process and over a socket."""

import json
import threading
from datetime import date
from io import BytesIO
from urllib.request import urlopen
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from shop import Shop, app
from shop.assortment import assortment
from shop.cart import make_bill


def get(path, query="", method="GET", shop=app):
    environ = {"SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": method, "wsgi.input": BytesIO()}
    setup_testing_defaults(environ)
    answer = {}

    def start_response(status, headers, exc_info=None):
        answer.update(status=status, headers=dict(headers))

    body = validator(shop)(environ, start_response)
    try:
        answer["text"] = b"".join(body).decode()
    finally:
        body.close()
    return answer


def test_the_front_page_lists_everything():
    answer = get("/")
    assert answer["status"] == "200 OK"
    assert answer["text"].count("<li>") == len(app.catalog) == 4


def test_a_product_has_a_page_with_its_prices():
    text = get("/products/wool-socks")["text"]
    assert "SOCKS-S" in text and "grey, M" in text and "9.50 EUR" in text


def test_search_finds_the_best_first():
    text = get("/search", "q=tea")["text"]
    assert text.index("Tea pot") < text.index("Red mug")


def test_what_a_visitor_types_is_escaped():
    assert "<script>" not in get("/search", "q=%3Cscript%3E")["text"]


@pytest.mark.parametrize(
    ("currency", "query", "total"),
    [
        ("EUR", "CHAIR=1", "79.00 EUR"),
        ("EUR", "MUG-RED=2", "16.19 EUR"),
        ("USD", "MUG-RED=1", "9.00 USD"),
        ("EUR", "SOCKS-S=3", "19.00 EUR"),
        ("eur", "SOCKS-S=1&CHAIR=1&SOCKS-S=2", "98.00 EUR"),
        ("EUR", "", "0.00 EUR"),
    ],
)
def test_bills_add_up(currency, query, total):
    assert json.loads(get(f"/bill/{currency}", query)["text"])["total"] == total


def test_a_bill_names_its_promotions():
    lines = json.loads(get("/bill/EUR", "SOCKS-M=3")["text"])["lines"]
    assert lines == [
        {"name": "Wool socks (grey, M)", "quantity": 3, "total": "19.00 EUR", "promotion": "three socks for two"}
    ]


@pytest.mark.parametrize("query", ["CHAIR=0", "CHAIR=-1", "CHAIR=many", "CHAIR="])
def test_impossible_carts_are_refused(query):
    answer = get("/bill/EUR", query)
    assert answer["status"] == "400 Bad Request" and "1 to 999" in answer["text"]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/products/spoon", "", "404 Not Found"),
        ("/bill/EUR", "SPOON=1", "404 Not Found"),
        ("/bill/GBP", "CHAIR=1", "404 Not Found"),
        ("/bill/XXX", "CHAIR=1", "400 Bad Request"),
        ("/nowhere", "", "404 Not Found"),
    ],
)
def test_what_is_not_there(path, query, status):
    assert get(path, query)["status"] == status


def test_only_reading_is_possible():
    assert get("/", method="POST")["status"] == "405 Method Not Allowed"
    assert get("/", method="HEAD")["text"] == ""


def test_a_shared_bill_loses_no_cent():
    bill = make_bill(assortment(), {"POT": 1, "MUG-RED": 1}, "EUR", date(2026, 3, 1))
    assert sum(share.amount for share in bill.per_head(3)) == bill.total.amount


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


def test_over_a_real_socket():
    shop = Shop(assortment(), today=lambda: date(2026, 3, 1))
    with make_server("127.0.0.1", 0, shop, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with urlopen(f"http://127.0.0.1:{server.server_port}/healthz") as answer:
                assert json.load(answer) == {"status": "ok", "products": 4}
        finally:
            server.shutdown()
            thread.join()
