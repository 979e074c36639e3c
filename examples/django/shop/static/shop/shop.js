// The buttons: forms say by data-put or data-delete which API call they make; the page then shows the cart as the shop has it.
"use strict";

async function call(method, url, body) {
  const response = await fetch(url, { method, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  try {
    if (form.dataset.put) {
      const cart = await call("PUT", form.dataset.put, { quantity: form.elements.quantity.valueAsNumber });
      document.getElementById("cart-count").textContent = cart.count;
    } else {
      await call("DELETE", form.dataset.delete);
      location.reload();
    }
  } catch (error) {
    alert(`The cart was not changed: ${error.message}`);
  }
});

for (const place of document.querySelectorAll("[data-delivery]")) {
  call("GET", place.dataset.delivery)
    .then((quote) => { place.textContent = `Delivered in ${quote.days} days for ${quote.price}.`; })
    .catch((error) => { place.textContent = `No delivery quote: ${error.message}`; });
}
