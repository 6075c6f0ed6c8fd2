// Checkout. The idempotency key belongs to the cart as it is now: however often the form is sent, and through
// whatever reloads and lost answers, there is one order.

import { get, post, tellCart } from "/api.js";
import { announce, field, h, once, pounds, problem, valid } from "/dom.js";
import { totals } from "/pages/cart.js";

const DELIVERIES = [["standard", "Standard, 3 to 5 days"], ["express", "Express, next working day"], ["collect", "Collect from the shop"]];
const PAYMENTS = [
  ["tok_visa", "Test card that is accepted"],
  ["tok_declined", "Test card that is declined"],
  ["tok_timeout", "Test card whose provider answers late"],
];
const COUNTRIES = [["GB", "United Kingdom"], ["IE", "Ireland"], ["FR", "France"], ["DE", "Germany"], ["NL", "Netherlands"], ["US", "United States"]];

export async function checkout() {
  const [contents, session] = await Promise.all([get("/api/cart"), get("/api/session").catch(() => ({ customer: null }))]);
  tellCart(contents);
  if (!contents.lines.length) {
    return { title: "Checkout", content: [h("h1", { tabindex: "-1" }, "Checkout"), h("p", {}, "There is nothing to check out. ", h("a", { href: "/" }, "Look around the shop"), ".")] };
  }
  return { title: "Checkout", content: [h("h1", { tabindex: "-1" }, "Checkout"), form(contents, session.customer)] };
}

function form(contents, customer) {
  const state = { contents };
  const fields = [
    field("E-mail", { name: "email", type: "email", autocomplete: "email", required: true, maxlength: 200, value: customer?.email }),
    field("Name", { name: "name", autocomplete: "name", required: true, maxlength: 200, value: customer?.name }),
    field("Address", { name: "line1", autocomplete: "address-line1", required: true, maxlength: 200 }),
    field("Town or city", { name: "city", autocomplete: "address-level2", required: true, maxlength: 200 }),
    field("Postcode", { name: "postcode", autocomplete: "postal-code", maxlength: 20 }),
  ];
  const sums = h("div", {}, totals(contents));
  const outcome = h("div", {});
  const button = h("button", { class: "primary", type: "submit" }, `Place order, ${pounds(contents.total_minor)}`);
  const requote = async (element) => {
    const data = new FormData(element);
    state.contents = tellCart(await get(`/api/cart?country=${data.get("country")}&delivery=${data.get("delivery")}`));
    sums.replaceChildren(totals(state.contents));
    button.textContent = `Place order, ${pounds(state.contents.total_minor)}`;
    announce(`The total is ${pounds(state.contents.total_minor)}`);
  };
  const submit = (event) => {
    event.preventDefault();
    if (valid(fields)) once(button, () => place(new FormData(event.target), state, outcome, () => requote(event.target)));
  };
  const change = (event) => { if (event.target.name === "delivery" || event.target.name === "country") requote(event.target.form); };
  return h("form", { class: "columns", novalidate: true, on: { submit, change } },
    h("div", {},
      outcome,
      h("h2", {}, "Where to"), fields[0], fields[1], fields[2], h("div", { class: "row" }, fields[3], fields[4]),
      h("div", { class: "field" }, h("label", { for: "country" }, "Country"),
        h("select", { id: "country", name: "country", autocomplete: "country" }, COUNTRIES.map(([value, text]) => h("option", { value }, text)))),
      options("Delivery", "delivery", DELIVERIES),
      options("Payment", "payment_token", PAYMENTS, "The test provider's own tokens stand in for its card form. Never type a card number here.")),
    h("section", { class: "summary", "aria-labelledby": "summary" },
      h("h2", { id: "summary" }, "Your order"),
      h("ul", {}, contents.lines.map((line) => h("li", { class: "quiet" }, `${line.quantity} × ${line.title}`))),
      sums, button));
}

function options(legend, name, choices, hint) {
  return h("fieldset", {}, h("legend", {}, legend), hint ? h("p", { class: "quiet" }, hint) : null,
    h("div", { class: "choices" }, choices.map(([value, text], index) =>
      h("label", {}, h("input", { type: "radio", name, value, checked: index === 0 }), h("span", {}, text)))));
}

async function place(data, state, outcome, requote) {
  const request = {
    email: data.get("email"),
    name: data.get("name"),
    address: { line1: data.get("line1"), city: data.get("city"), postcode: data.get("postcode"), country: data.get("country") },
    delivery: data.get("delivery"),
    payment_token: data.get("payment_token"),
    admissions: JSON.parse(sessionStorage.getItem("admissions") ?? "[]"),
    expected_total_minor: state.contents.total_minor,
  };
  try {
    const order = await post("/api/checkout", request, { key: keyFor(state.contents, request) });
    sessionStorage.removeItem("checkout-key");
    tellCart({ lines: [] });
    document.dispatchEvent(new CustomEvent("shop:go", { detail: `/orders/${order.id}` }));
  } catch (error) {
    outcome.replaceChildren(explained(error));
    outcome.querySelector("[role=alert]").scrollIntoView({ block: "center" });
    if (error.code === "price_changed" || error.code === "cart_changed") await requote();
  }
}

/** The same request for the same cart has the same key, after a reload too; another request has another one. */
function keyFor(contents, request) {
  const text = JSON.stringify([contents.version, contents.lines, request]);
  const digest = fingerprint(text);
  const known = JSON.parse(sessionStorage.getItem("checkout-key") ?? "null");
  if (known?.digest === digest) return known.key;
  const key = randomKey();
  sessionStorage.setItem("checkout-key", JSON.stringify({ digest, key }));
  return key;
}

function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A short fingerprint; crypto.subtle is missing on plain-http hosts, so this one does not need it. */
function fingerprint(text) {
  let high = 0xdeadbeef, low = 0x41c6ce57;
  for (const character of text) {
    const code = character.codePointAt(0);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  return `${(high >>> 0).toString(16)}${(low >>> 0).toString(16)}`;
}

function explained(error) {
  switch (error.code) {
    case "out_of_stock": return problem("Some of this has just sold out. ", h("a", { href: "/cart" }, "Change your cart"));
    case "not_admitted": return problem("This flash sale has a waiting room. ", h("a", { href: `/sale/${error.body.sale}` }, "Take a place in it"));
    case "price_changed": return problem("The total has changed. Please look at it and place the order again.");
    case "cart_changed": return problem("Your cart changed in another window. Please look at it and place the order again.");
    default: return problem(error.message);
  }
}
