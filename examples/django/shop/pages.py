"""The pages. They only read; the buttons change the cart through the API."""

from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shop import catalog


@require_safe
def home(request):
    return render(request, "shop/home.html", {"products": catalog.products()})


@require_safe
def product(request, product_id: int):
    found = catalog.find(product_id)
    if found is None:
        raise Http404(f"there is no product {product_id}")
    return render(request, "shop/product.html", {"product": found})


@require_safe
def cart(request):
    return render(request, "shop/cart.html")


def not_found(request, exception):
    return render(request, "shop/not_found.html", status=404)
