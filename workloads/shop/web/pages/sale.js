// A flash sale: a numbered place in the waiting room, and the article once it is one's turn.

import { get, post, tellCart } from "/api.js";
import { announce, h, once, pounds, problem } from "/dom.js";

export async function sale(id) {
  const found = (await get("/api/flash")).find((one) => one.id === id);
  if (!found) throw Object.assign(new Error("not found"), { status: 404 });
  const room = h("div", {});
  const state = { timer: null, left: false };
  const button = h("button", { class: "primary", on: { click: () => once(button, () => join(found, room, state, button)) } }, "Take a place in the queue");
  room.append(h("p", {}, `Limit: ${found.limit_per_buyer} for each buyer. Everyone is let through in the order in which they came; reloading does not help.`), button);
  return {
    title: `Flash sale: ${found.title}`,
    leave: () => { state.left = true; clearTimeout(state.timer); },
    content: [
      h("h1", { tabindex: "-1" }, found.title),
      h("p", { class: "price" }, pounds(found.price_minor), h("s", { class: "was" }, pounds(found.usual_price_minor))),
      room,
    ],
  };
}

async function join(found, room, state, button) {
  try {
    const joined = await post(`/api/flash/${found.id}/join`);
    button.remove();
    await stand(found, room, state, joined.ticket, joined);
  } catch (error) {
    room.append(problem(error.message));
  }
}

async function stand(found, room, state, ticket, standing) {
  if (state.left) return;
  if (standing.state === "admitted") return admitted(found, room, standing.admission);
  if (standing.state === "over") return void room.replaceChildren(h("p", { class: "notice" }, "This sale is over."));
  const text = standing.state === "sold_out" ? "Everything is sold. If an order falls through, you may still be let in."
    : standing.state === "early" ? `The sale has not begun. ${standing.ahead} before you.`
    : `${standing.ahead} before you, about ${Math.ceil(standing.wait_seconds)} seconds.`;
  room.replaceChildren(h("p", { class: "notice" }, text));
  announce(text);
  const wait = Math.min(10, Math.max(1, standing.wait_seconds)) * (1 + Math.random() * 0.2);
  state.timer = setTimeout(async () => {
    const next = await post(`/api/flash/${found.id}/status`, { ticket }).catch(() => standing);
    stand(found, room, state, ticket, next);
  }, wait * 1000);
}

async function admitted(found, room, admission) {
  const known = JSON.parse(sessionStorage.getItem("admissions") ?? "[]");
  sessionStorage.setItem("admissions", JSON.stringify([...known.slice(-8), admission]));
  const buy = h("button", { class: "primary", on: { click: () => once(buy, async () => {
    tellCart(await post("/api/cart/lines", { lines: [{ sku: found.sku, quantity: 1 }] }));
    document.dispatchEvent(new CustomEvent("shop:go", { detail: "/checkout" }));
  }) } }, `Buy for ${pounds(found.price_minor)}`);
  room.replaceChildren(h("p", { class: "notice" }, "It is your turn. Your place is kept for three minutes."), buy);
  announce("It is your turn");
  buy.focus();
}
