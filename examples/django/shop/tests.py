"""What the shop promises its visitors and its balancer. Run: `python manage.py test`."""

import json

from django.test import Client, SimpleTestCase, override_settings

from shop import catalog


@override_settings(BACKEND_NAME="web-t", DELIVERY_MS=0)
class ShopTest(SimpleTestCase):
    def put(self, product_id, body):
        body = body if isinstance(body, str) else json.dumps(body)
        return self.client.put(f"/api/cart/items/{product_id}", body, content_type="application/json")

    def test_every_response_names_its_backend_also_errors_and_static_files(self):
        for url in ("/", "/nowhere", "/api/products/999", "/static/shop/shop.css", "/healthz"):
            with self.subTest(url=url):
                self.assertEqual(self.client.get(url)["X-Backend"], "web-t")

    def test_a_probe_by_address_is_answered_whatever_its_host(self):
        response = self.client.get("/healthz", headers={"host": "10.244.1.7:8000"})
        self.assertEqual((response.status_code, response.content), (200, b"ok\n"))

    def test_pages_show_what_is_sold(self):
        home = self.client.get("/")
        for product in catalog.products():
            self.assertContains(home, product.name)
            self.assertContains(self.client.get(f"/products/{product.id}"), product.text)

    def test_the_api_and_the_catalog_agree(self):
        listed = self.client.get("/api/products").json()["products"]
        self.assertEqual([p["id"] for p in listed], [p.id for p in catalog.products()])
        self.assertEqual(self.client.get("/api/products/8").json()["name"], "Saffron")
        self.assertEqual(self.client.get("/api/products/8/delivery").json()["days"], 2)

    def test_putting_twice_is_as_good_as_once(self):
        once = self.put(1, {"quantity": 2}).json()
        line = {"id": 1, "name": "Assam tea", "quantity": 2, "price": "13.80"}
        self.assertEqual(once, {"items": [line], "count": 2, "total": "13.80"})
        self.assertEqual(self.put(1, {"quantity": 2}).json(), once)

    def test_removing_what_is_not_there_is_no_error(self):
        self.put(1, {"quantity": 2})
        for _ in range(2):
            response = self.client.delete("/api/cart/items/1")
            self.assertEqual((response.status_code, response.json()["count"]), (200, 0))

    def test_the_cart_travels_with_the_cookie_alone(self):
        self.put(12, {"quantity": 3})
        elsewhere = Client()
        elsewhere.cookies = self.client.cookies
        self.assertEqual(elsewhere.get("/api/cart").json()["count"], 3)
        self.assertContains(elsewhere.get("/cart"), '<td class="number" id="total">126.00</td>')
        self.assertContains(elsewhere.get("/"), '<b id="cart-count">3</b>')

    def test_a_bad_quantity_is_refused_with_a_reason_and_changes_nothing(self):
        self.put(1, {"quantity": 2})
        for body in ("", "{", "[]", "7", {}, {"quantity": 0}, {"quantity": 100}, {"quantity": "2"}, {"quantity": True}):
            with self.subTest(body=body):
                response = self.put(1, body)
                self.assertEqual(response.status_code, 400)
                self.assertIn("quantity", response.json()["error"])
        self.assertEqual(self.client.get("/api/cart").json()["count"], 2)

    def test_an_unknown_product_is_not_found(self):
        for response in (
            self.client.get("/products/999"),
            self.client.get("/api/products/999"),
            self.put(999, {"quantity": 1}),
        ):
            self.assertEqual(response.status_code, 404)

    def test_reading_is_all_a_page_allows(self):
        self.assertEqual(self.client.post("/cart").status_code, 405)
        self.assertEqual(self.client.post("/api/cart/items/1").status_code, 405)
