// Browsing and searching: a grid that grows by keyset pages, with filters that live in the address.

import { get } from "/api.js";
import { announce, h, once, pounds, swatch } from "/dom.js";

const SORTS = [["newest", "Newest"], ["price", "Price, low to high"], ["-price", "Price, high to low"]];

export async function catalogue({ category }) {
  const parameters = new URLSearchParams(location.search);
  if (category) parameters.set("category", category);
  const words = parameters.get("q") ?? "";
  const [page, sales] = await Promise.all([
    get(`/api/products?${parameters}`),
    category || words ? [] : get("/api/flash").catch(() => []),
  ]);
  const name = page.facets.categories.find((one) => one.slug === category)?.name ?? category;
  const title = words ? `Results for “${words}”` : category ? name : "New in the shop";
  const grid = h("ul", { class: "grid" }, page.items.map(card));
  document.getElementById("q").value = words;
  return {
    title: category || words ? title : "",
    content: [
      h("h1", { tabindex: "-1" }, title),
      sales.length ? saleList(sales) : null,
      tools(parameters, page.facets, Boolean(words)),
      page.items.length ? null : h("p", { class: "notice" }, "Nothing matches. Try fewer words or another category."),
      grid,
      more(page.next, parameters, grid),
    ].filter(Boolean),
  };
}

function card(item) {
  return h("li", { class: "card" },
    swatch(item.slug),
    h("div", {},
      h("h2", {}, h("a", { href: `/p/${item.slug}` }, item.title)),
      item.brand ? h("span", { class: "quiet" }, item.brand) : null,
      item.in_stock ? null : h("span", { class: "warn" }, "Sold out"),
      h("span", { class: "price" }, pounds(item.price_minor))));
}

function tools(parameters, facets, searching) {
  const sorts = searching ? [["relevance", "Best match"], ...SORTS] : SORTS;
  const change = (event) => {
    const next = new URLSearchParams(location.search);
    const { name, value } = event.target;
    if (value) next.set(name, value); else next.delete(name);
    document.dispatchEvent(new CustomEvent("shop:go", { detail: `${location.pathname}?${next}` }));
  };
  const brands = facets.brands.map((one) => [one.name, `${one.name} (${one.count})`]);
  return h("div", { class: "tools" },
    choice("Sort by", "sort", sorts, parameters.get("sort") ?? sorts[0][0], change),
    brands.length > 1 || parameters.get("brand")
      ? choice("Brand", "brand", [["", "All brands"], ...brands], parameters.get("brand") ?? "", change) : null,
    h("span", { class: "quiet" }, `${facets.total.toLocaleString("en-GB")} ${facets.total === 1 ? "product" : "products"}`));
}

function choice(label, name, options, chosen, change) {
  return h("label", {}, label,
    h("select", { name, on: { change } },
      options.map(([value, text]) => h("option", { value, selected: value === chosen }, text))));
}

function saleList(sales) {
  const now = Date.now();
  return h("section", { "aria-labelledby": "sales" },
    h("h2", { id: "sales" }, "Flash sales"),
    h("ul", { class: "choices" }, sales.slice(0, 3).map((one) => h("li", { class: "notice" },
      h("a", { href: `/sale/${one.id}` }, one.title), " ",
      h("strong", {}, pounds(one.price_minor)), h("s", { class: "was" }, pounds(one.usual_price_minor)),
      Date.parse(one.starts_at) > now ? ` starts ${new Date(one.starts_at).toLocaleString("en-GB")}` : " now"))));
}

function more(cursor, parameters, grid) {
  if (!cursor) return null;
  let after = cursor;
  const button = h("button", { on: { click: () => once(button, load) } }, "Show more");
  const holder = h("div", { class: "more" }, button);
  async function load() {
    const query = new URLSearchParams(parameters);
    query.set("after", after);
    const page = await get(`/api/products?${query}`);
    const cards = page.items.map(card);
    grid.append(...cards);
    cards[0]?.querySelector("a").focus();
    announce(`${cards.length} more products`);
    after = page.next;
    if (!after) holder.remove();
  }
  return holder;
}
