"""The JSON API. Every call is idempotent, so a balancer may send it again to another backend when one dies under it.

There is no CSRF token: a browser sends PUT and DELETE to another origin only after a preflight, which the shop never
grants.
"""

import json
import time

from django.conf import settings
from django.http import JsonResponse
from django.views.decorators.http import require_http_methods, require_safe

from shop import catalog
from shop.cart import MAX_QUANTITY, Cart


def _error(status: int, message: str) -> JsonResponse:
    return JsonResponse({"error": message}, status=status)


def _no_product(product_id: int) -> JsonResponse:
    return _error(404, f"there is no product {product_id}")


@require_safe
def products(request):
    return JsonResponse({"products": [product.as_json() for product in catalog.products()]})


@require_safe
def product(request, product_id: int):
    found = catalog.find(product_id)
    return JsonResponse(found.as_json()) if found else _no_product(product_id)


@require_safe
def delivery(request, product_id: int):
    """A quote from the carrier, who takes his time: the slow call that every real shop has."""
    found = catalog.find(product_id)
    if found is None:
        return _no_product(product_id)
    time.sleep(settings.DELIVERY_MS / 1000)
    return JsonResponse(
        {"id": product_id, "days": 2 if found.grams < 250 else 3, "price": catalog.money(290 + found.grams)}
    )


@require_safe
def cart(request):
    return JsonResponse(Cart(request.session).as_json())


@require_http_methods(["PUT", "DELETE"])
def cart_item(request, product_id: int):
    """PUT {"quantity": N} sets the quantity, DELETE removes the line; both answer with the whole cart."""
    if catalog.find(product_id) is None:
        return _no_product(product_id)
    own = Cart(request.session)
    if request.method == "DELETE":
        own.remove(product_id)
        return JsonResponse(own.as_json())
    quantity, problem = _quantity(request.body)
    if problem:
        return _error(400, problem)
    own.set(product_id, quantity)
    return JsonResponse(own.as_json())


def _quantity(body: bytes) -> tuple[int, str]:
    """The quantity in a PUT's body, or what is wrong with it."""
    try:
        wanted = json.loads(body)["quantity"]
    except (ValueError, TypeError, KeyError):
        return 0, 'the body must be JSON like {"quantity": 2}'
    if type(wanted) is not int or not 1 <= wanted <= MAX_QUANTITY:
        return 0, f"quantity: {json.dumps(wanted)} is not a number from 1 to {MAX_QUANTITY}; DELETE removes a line"
    return wanted, ""
