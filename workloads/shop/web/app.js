// The router: one page at a time, real addresses, and focus on the new heading as a page load would have it.

import { get, onCart, tellCart } from "/api.js";
import { announce, h, problem } from "/dom.js";
import { account } from "/pages/account.js";
import { cart } from "/pages/cart.js";
import { catalogue } from "/pages/catalogue.js";
import { checkout } from "/pages/checkout.js";
import { order, orders } from "/pages/orders.js";
import { product } from "/pages/product.js";
import { sale } from "/pages/sale.js";

const ROUTES = [
  [/^\/$/, () => catalogue({})],
  [/^\/c\/([a-z0-9-]+)$/, (slug) => catalogue({ category: slug })],
  [/^\/search$/, () => catalogue({})],
  [/^\/p\/([a-z0-9-]+)$/, (slug) => product(slug)],
  [/^\/cart$/, () => cart()],
  [/^\/checkout$/, () => checkout()],
  [/^\/orders$/, () => orders()],
  [/^\/orders\/([0-9a-f-]{36})$/, (id) => order(id)],
  [/^\/account$/, () => account()],
  [/^\/sale\/([A-Za-z0-9_-]+)$/, (id) => sale(id)],
];

const main = document.getElementById("main");
let visit = 0;
let leave = null;

/** Go to an address of this shop. */
export function navigate(address, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"]({}, "", address);
  return show({ moved: true });
}

async function show({ moved }) {
  const mine = ++visit;
  leave?.();
  leave = null;
  main.setAttribute("aria-busy", "true");
  const page = await render();
  if (mine !== visit) {
    page.leave?.();
    return;
  }
  leave = page.leave ?? null;
  main.replaceChildren(...page.content);
  main.removeAttribute("aria-busy");
  document.title = page.title ? `${page.title} – Shop` : "Shop";
  markCurrent();
  if (moved) settle(page.title);
}

async function render() {
  try {
    for (const [pattern, open] of ROUTES) {
      const match = pattern.exec(location.pathname);
      if (match) return await open(...match.slice(1));
    }
    return missing();
  } catch (error) {
    if (error.status === 404) return missing();
    return failed(error);
  }
}

const missing = () => ({
  title: "Not found",
  content: [h("h1", { tabindex: "-1" }, "This page is not here"), h("p", {}, "It may have moved, or the product is no longer sold. ", h("a", { href: "/" }, "Look around the shop"), ".")],
});

const failed = (error) => ({
  title: "Something went wrong",
  content: [h("h1", { tabindex: "-1" }, "Something went wrong"), problem(error.message, h("button", { on: { click: () => show({ moved: true }) } }, "Try again"))],
});

function settle(title) {
  window.scrollTo(0, 0);
  main.querySelector("h1")?.focus({ preventScroll: true });
  announce(title || "Shop");
}

function markCurrent() {
  for (const link of document.querySelectorAll(".categories a")) {
    if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || link.origin !== location.origin || link.hasAttribute("download")) return;
  if (link.hash && link.pathname === location.pathname) return;
  event.preventDefault();
  navigate(link.pathname + link.search);
});

document.addEventListener("shop:go", (event) => navigate(event.detail));
window.addEventListener("popstate", () => show({ moved: true }));

document.querySelector(".search").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = new FormData(event.target).get("q").trim();
  navigate(words ? `/search?q=${encodeURIComponent(words)}` : "/");
});

onCart((cart) => {
  const badge = document.querySelector("[data-cart-count]");
  const pieces = cart.lines.reduce((sum, line) => sum + line.quantity, 0);
  badge.textContent = pieces ? String(pieces) : "";
  badge.hidden = pieces === 0;
  badge.setAttribute("aria-label", `${pieces} ${pieces === 1 ? "article" : "articles"}`);
});

async function furnish() {
  const [categories, cart, session] = await Promise.allSettled([get("/api/categories"), get("/api/cart"), get("/api/session")]);
  if (categories.status === "fulfilled") {
    document.querySelector("[data-categories]").replaceChildren(
      ...categories.value.map((one) => h("li", {}, h("a", { href: `/c/${one.slug}` }, one.name))));
    markCurrent();
  }
  if (cart.status === "fulfilled") tellCart(cart.value);
  document.dispatchEvent(new CustomEvent("shop:session", { detail: session.value?.customer ?? null }));
}

document.addEventListener("shop:session", (event) => {
  document.querySelector("[data-account]").textContent = event.detail ? "Account" : "Sign in";
});

show({ moved: false });
furnish();
