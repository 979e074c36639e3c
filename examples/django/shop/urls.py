"""Where everything is; /healthz and /static/ are answered by the middleware."""

from django.urls import path

from shop import api, pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("products/<int:product_id>", pages.product, name="product"),
    path("cart", pages.cart, name="cart"),
    path("api/products", api.products),
    path("api/products/<int:product_id>", api.product),
    path("api/products/<int:product_id>/delivery", api.delivery),
    path("api/cart", api.cart),
    path("api/cart/items/<int:product_id>", api.cart_item),
]

handler404 = "shop.pages.not_found"
