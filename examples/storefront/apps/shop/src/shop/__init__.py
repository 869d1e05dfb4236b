"""The storefront: pages, a cart, a till. ``shop:app`` is the WSGI application."""

from shop.wsgi import Shop, app

__all__ = ["Shop", "app"]
