// Orders: the list, and one order followed until it has arrived or ended.

import { get } from "/api.js";
import { announce, h, once, pounds } from "/dom.js";
import { totals } from "/pages/cart.js";

const STEPS = [["placed", "Placed"], ["authorised", "Payment authorised"], ["packed", "Packed"], ["paid", "Paid"], ["shipped", "On its way"]];
const FINAL = new Set(["shipped", "cancelled", "refunded"]);
const POLL_MS = [1000, 1000, 2000, 2000, 3000, 5000];
const NAMES = { ...Object.fromEntries(STEPS), cancelled: "Cancelled", refunded: "Refunded" };

export async function orders() {
  const page = await get("/api/orders").catch((error) => { if (error.status === 404) return { items: [], next: null }; throw error; });
  const body = h("tbody", {}, page.items.map(row));
  let after = page.next;
  const button = h("button", { on: { click: () => once(button, async () => {
    const following = await get(`/api/orders?after=${encodeURIComponent(after)}`);
    body.append(...following.items.map(row));
    after = following.next;
    button.hidden = !after;
  }) } }, "Show more");
  button.hidden = !after;
  return {
    title: "Orders",
    content: [
      h("h1", { tabindex: "-1" }, "Your orders"),
      page.items.length
        ? h("div", { class: "scroll" }, h("table", {},
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Order"), h("th", { scope: "col" }, "Placed"), h("th", { scope: "col" }, "Status"), h("th", { scope: "col", class: "number" }, "Total"))), body))
        : h("p", {}, "No orders yet."),
      h("div", { class: "more" }, button),
    ],
  };
}

function row(order) {
  return h("tr", {},
    h("td", {}, h("a", { href: `/orders/${order.id}` }, `No. ${order.number}`)),
    h("td", {}, new Date(order.placed_at).toLocaleDateString("en-GB")),
    h("td", {}, NAMES[order.status]),
    h("td", { class: "number" }, pounds(order.total_minor)));
}

export async function order(id) {
  let found = await get(`/api/orders/${id}`);
  const status = h("div", {}, progress(found));
  let timer = null;
  let count = 0;
  const poll = async () => {
    const fresh = await get(`/api/orders/${id}`).catch(() => found);
    if (fresh.status !== found.status) {
      status.replaceChildren(progress(fresh));
      announce(`Your order: ${NAMES[fresh.status]}`);
    }
    found = fresh;
    follow();
  };
  const follow = () => {
    if (FINAL.has(found.status)) return;
    timer = setTimeout(poll, POLL_MS[Math.min(count, POLL_MS.length - 1)]);
    count += 1;
  };
  follow();
  return {
    title: `Order ${found.number}`,
    leave: () => clearTimeout(timer),
    content: [
      h("h1", { tabindex: "-1" }, `Order no. ${found.number}`),
      h("div", { class: "columns" },
        h("section", { "aria-label": "Progress" }, status),
        h("section", { class: "summary", "aria-labelledby": "summary" },
          h("h2", { id: "summary" }, "What you ordered"),
          h("ul", {}, found.lines.map((line) => h("li", { class: "line" }, h("span", {}, `${line.quantity} × ${line.title}`), h("span", { class: "price" }, pounds(line.total_minor))))),
          totals(found))),
    ],
  };
}

function progress(found) {
  if (found.status === "cancelled" || found.status === "refunded") {
    return h("div", { class: "notice bad" },
      h("p", {}, h("strong", {}, NAMES[found.status])),
      found.reason ? h("p", {}, `Reason: ${found.reason}`) : null,
      h("p", {}, "Nothing was charged, or it has been paid back. What you had chosen is free for others again."));
  }
  const at = STEPS.findIndex(([name]) => name === found.status);
  const last = STEPS.length - 1;
  return h("ol", { class: "steps" }, STEPS.map(([, text], index) => {
    const state = index < at || at === last ? "done" : index === at ? "now" : "next";
    return h("li", { "data-state": state, "aria-current": index === at ? "step" : null }, text);
  }));
}
