"""A simulated visitor: looks around, fills a cart, and checks every answer as a visitor would notice it.

A visit is one browser: one cookie jar, one connection. The visitor knows what is in the cart because it put it there; a
backend that shows another cart has lost or mixed up a session, and that is a failure like a 500.
"""

import json
import random
from collections.abc import Awaitable, Callable

from demo.http1 import Connection, RequestFailed, Response

Send = Callable[["Visitor", str, str, bytes], Awaitable[Response]]


def expect(condition: bool, problem: str) -> None:
    if not condition:
        raise RequestFailed(problem)


class Visitor:
    """One visit. `send` is called for every request: it paces, measures and counts, and raises RequestFailed."""

    # What a visitor does next, and how often out of 100.
    MIX = {
        "home": 16,
        "product_page": 16,
        "cart_page": 8,
        "list_products": 8,
        "one_product": 12,
        "delivery": 4,
        "read_cart": 8,
        "put_item": 14,
        "delete_item": 4,
        "static": 10,
    }
    STATIC = (
        ("/static/shop/shop.css", b"--brass"),
        ("/static/shop/logo.svg", b"</svg>"),
        ("/static/shop/shop.js", b"data-put"),
    )

    def __init__(self, connection: Connection, products: list[dict], rng: random.Random, send: Send):
        self.connection, self.rng = connection, rng
        self.cookies: dict[str, str] = {}
        self._products, self._send = products, send
        self._cart: dict[int, int] = {}
        self._modified: dict[str, str] = {}
        self._conditional = ""  # the If-Modified-Since of the request that is being made
        self.request = self.backend = ""  # the last request, and who answered it; `send` notes them

    async def act(self) -> None:
        """Makes one request and checks the answer."""
        (step,) = self.rng.choices(list(self.MIX), list(self.MIX.values()))
        await getattr(self, "_" + step)()

    def headers(self) -> dict[str, str]:
        headers = {"Host": "shop.example", "User-Agent": "steelyard-demo", "Accept": "*/*"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if self._conditional:
            headers["If-Modified-Since"] = self._conditional
        return headers

    def _any(self) -> dict:
        return self.rng.choice(self._products)

    def _count(self) -> int:
        return sum(self._cart.values())

    async def _get(self, path: str) -> Response:
        return await self._send(self, "GET", path, b"")

    async def _page(self, path: str) -> str:
        text = (await self._get(path)).text()
        expect(text.rstrip().endswith("</html>"), "the page is cut short")
        expect(
            f'id="cart-count">{self._count()}</b>' in text,
            f"the page does not show the {self._count()} items in the cart",
        )
        return text

    async def _home(self) -> None:
        text = await self._page("/")
        missing = [product["name"] for product in self._products if product["name"] not in text]
        expect(not missing, f"missing on the page: {missing}")

    async def _product_page(self) -> None:
        product = self._any()
        expect(
            product["text"] in await self._page(f"/products/{product['id']}"),
            f"the page is not that of {product['name']}",
        )

    async def _cart_page(self) -> None:
        text = await self._page("/cart")
        names = {product["name"] for product in self._products if product["id"] in self._cart}
        expect(all(name in text for name in names), "the page does not list what is in the cart")

    async def _list_products(self) -> None:
        expect(
            (await self._get("/api/products")).json()["products"] == self._products, "not the products that are sold"
        )

    async def _one_product(self) -> None:
        product = self._any()
        expect(
            (await self._get(f"/api/products/{product['id']}")).json() == product, f"not the product {product['id']}"
        )

    async def _delivery(self) -> None:
        product = self._any()
        expect(
            (await self._get(f"/api/products/{product['id']}/delivery")).json()["id"] == product["id"],
            "another product's quote",
        )

    def _check_cart(self, response: Response) -> None:
        found = {item["id"]: item["quantity"] for item in response.json()["items"]}
        expect(found == self._cart, f"the cart is {found}, not {self._cart}")

    async def _read_cart(self) -> None:
        self._check_cart(await self._get("/api/cart"))

    async def _put_item(self) -> None:
        product, quantity = self._any()["id"], self.rng.randint(1, 9)
        body = json.dumps({"quantity": quantity}).encode()
        response = await self._send(self, "PUT", f"/api/cart/items/{product}", body)
        self._cart[product] = quantity
        self._check_cart(response)

    async def _delete_item(self) -> None:
        product = self.rng.choice(list(self._cart)) if self._cart else self._any()["id"]
        response = await self._send(self, "DELETE", f"/api/cart/items/{product}", b"")
        self._cart.pop(product, None)
        self._check_cart(response)

    async def _static(self) -> None:
        path, mark = self.rng.choice(self.STATIC)
        self._conditional = self._modified.get(path, "")
        try:
            response = await self._get(path)
        finally:
            self._conditional = ""
        expect(response.status == 304 or mark in response.body, f"{path} has other contents")
        self._modified[path] = response.headers.get("last-modified", "")
