"""The cart: quantities by product, kept in the session. Setting and removing are idempotent."""

from django.conf import settings

from shop import catalog

MAX_QUANTITY = 99


class Cart:
    def __init__(self, session):
        self._session = session
        # The keys are strings because the session is JSON.
        self._quantities = dict(session.get("cart", {}))

    def set(self, product_id: int, quantity: int) -> None:
        self._quantities[str(product_id)] = quantity
        self._session["cart"] = self._quantities

    def remove(self, product_id: int) -> None:
        if self._quantities.pop(str(product_id), None) is not None:
            self._session["cart"] = self._quantities

    def lines(self) -> list[dict]:
        """The lines in the order of the catalog; a product that is no longer sold is left out."""
        found = ((p, self._quantities.get(str(p.id))) for p in catalog.products())
        return [
            {"product": p, "quantity": n, "cents": n * p.cents, "price": catalog.money(n * p.cents)}
            for p, n in found
            if n
        ]

    def count(self) -> int:
        return sum(line["quantity"] for line in self.lines())

    def total(self) -> str:
        return catalog.money(sum(line["cents"] for line in self.lines()))

    def as_json(self) -> dict:
        items = [
            {
                "id": line["product"].id,
                "name": line["product"].name,
                "quantity": line["quantity"],
                "price": line["price"],
            }
            for line in self.lines()
        ]
        return {"items": items, "count": self.count(), "total": self.total()}


def context(request) -> dict:
    """For the templates: every page shows the cart's size and the backend that made it."""
    return {"cart": Cart(request.session), "backend": settings.BACKEND_NAME}
