// One product: choose a variant, put it into the cart.

import { get, post, tellCart } from "/api.js";
import { announce, h, once, pounds, problem, swatch } from "/dom.js";

export async function product(slug) {
  const found = await get(`/api/products/${slug}`);
  const first = found.variants.find((one) => one.available > 0) ?? found.variants[0];
  const form = purchase(found, first);
  return {
    title: found.title,
    content: [
      h("article", { class: "detail" },
        swatch(found.slug),
        h("div", {},
          h("h1", { tabindex: "-1" }, found.title),
          h("p", { class: "quiet" }, found.brand ? `${found.brand} · ` : "", h("a", { href: `/c/${found.category.slug}` }, found.category.name)),
          found.description ? h("p", {}, found.description) : null,
          form)),
    ],
  };
}

function purchase(found, first) {
  const outcome = h("div", {});
  const quantity = h("input", { id: "quantity", name: "quantity", type: "number", min: 1, max: 99, value: 1, required: true, inputmode: "numeric" });
  const button = h("button", { class: "primary", type: "submit", disabled: !found.variants.some((one) => one.available > 0) }, "Add to cart");
  const submit = (event) => {
    event.preventDefault();
    const sku = new FormData(event.target).get("sku");
    once(button, () => add(sku, Number(quantity.value), outcome));
  };
  return h("form", { on: { submit } },
    h("fieldset", {}, h("legend", {}, found.variants.length > 1 ? "Choose one" : "Price"),
      h("div", { class: "choices" }, found.variants.map((one) => variant(one, one === first)))),
    h("div", { class: "row" }, h("div", { class: "field" }, h("label", { for: "quantity" }, "Quantity"), quantity), h("div", { class: "field" }, button)),
    outcome);
}

function variant(one, chosen) {
  const left = one.available;
  return h("label", {},
    h("input", { type: "radio", name: "sku", value: one.sku, checked: chosen, disabled: left === 0 }),
    h("span", {}, one.title || "Standard", " ",
      left === 0 ? h("span", { class: "warn" }, "sold out") : left <= 5 ? h("span", { class: "warn" }, `only ${left} left`) : null),
    h("strong", {}, pounds(one.price_minor)));
}

async function add(sku, quantity, outcome) {
  try {
    tellCart(await post("/api/cart/lines", { lines: [{ sku, quantity }] }));
    outcome.replaceChildren(h("p", { class: "notice" }, "In your cart. ", h("a", { href: "/cart" }, "View cart"), " or ", h("a", { href: "/checkout" }, "check out"), "."));
    announce("Added to your cart");
  } catch (error) {
    outcome.replaceChildren(problem(error.message));
  }
}
