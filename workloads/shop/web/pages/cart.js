// The cart: quantities, a promotion code, and what it all comes to.

import { get, put, remove, tellCart } from "/api.js";
import { announce, field, h, once, pounds, problem } from "/dom.js";

export async function cart() {
  const holder = h("div", {});
  draw(holder, tellCart(await get("/api/cart")));
  return { title: "Cart", content: [h("h1", { tabindex: "-1" }, "Your cart"), holder] };
}

function draw(holder, contents, complaint) {
  if (!contents.lines.length) {
    holder.replaceChildren(h("p", {}, "Your cart is empty. ", h("a", { href: "/" }, "Look around the shop"), "."));
    return;
  }
  const change = async (work, said) => {
    try {
      draw(holder, tellCart(await work()));
      announce(said);
    } catch (error) {
      draw(holder, tellCart(await get("/api/cart")), error.message);
    }
  };
  holder.replaceChildren(h("div", { class: "columns" },
    h("section", { "aria-label": "Articles" },
      complaint ? problem(complaint) : null,
      h("ul", {}, contents.lines.map((line) => row(line, change)))),
    h("section", { class: "summary", "aria-labelledby": "summary" },
      h("h2", { id: "summary" }, "Summary"), totals(contents), promotion(contents, change),
      h("a", { class: "button primary", href: "/checkout" }, "Go to checkout"))));
}

function row(line, change) {
  const path = `/api/cart/lines/${encodeURIComponent(line.sku)}`;
  const input = h("input", {
    type: "number", min: 0, max: 99, value: line.quantity, "aria-label": `Quantity of ${line.title}`, inputmode: "numeric",
    on: { change: () => change(() => put(path, { quantity: Math.min(99, Math.max(0, Math.floor(Number(input.value) || 0))) }), "Quantity changed") },
  });
  const button = h("button", { class: "plain", "aria-label": `Remove ${line.title}`, on: { click: () => once(button, () => change(() => remove(path), "Removed")) } }, "Remove");
  return h("li", { class: "line" },
    h("div", {}, h("a", { href: `/p/${line.slug}` }, line.title),
      line.flash_sale ? h("span", { class: "quiet" }, " flash sale") : null,
      line.available < line.quantity ? h("p", { class: "bad-text" }, line.available ? `only ${line.available} left` : "sold out") : null),
    h("span", { class: "price" }, pounds(line.total_minor)),
    h("div", { class: "row" }, input, h("span", { class: "quiet" }, `at ${pounds(line.unit_price_minor)}`), button));
}

/** The sums of a cart or an order, as a list of terms. */
export function totals(sums) {
  const lines = [["Goods", sums.subtotal_minor], ["Discount", -sums.discount_minor], ["Delivery", sums.delivery_minor]];
  return h("dl", { class: "totals" },
    lines.filter(([, minor], index) => index === 0 || minor !== 0 || index === 2).map(([name, minor]) => [h("dt", {}, name), h("dd", {}, pounds(minor))]),
    h("dt", { class: "sum" }, "Total"), h("dd", { class: "sum" }, pounds(sums.total_minor)),
    h("dt", { class: "quiet" }, "of which VAT"), h("dd", { class: "quiet" }, pounds(sums.tax_minor)));
}

function promotion(contents, change) {
  if (contents.promotion_code) {
    const button = h("button", { class: "plain", on: { click: () => once(button, () => change(() => remove("/api/cart/promotion"), "Code removed")) } }, "Remove");
    return h("p", {}, "Code ", h("strong", {}, contents.promotion_code), " ", button);
  }
  const code = field("Promotion code", { name: "code", maxlength: 40, autocomplete: "off" });
  const apply = (event) => {
    event.preventDefault();
    const text = code.input.value.trim();
    if (text) change(() => put("/api/cart/promotion", { code: text }), "Code applied");
  };
  return h("form", { class: "row", on: { submit: apply } }, code, h("div", { class: "field" }, h("button", { type: "submit" }, "Apply")));
}
