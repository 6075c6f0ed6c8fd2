// The account: sign in or register; then orders, one's own data, and being forgotten.

import { get, post, remove, tellCart } from "/api.js";
import { field, h, once, problem, valid } from "/dom.js";

export async function account() {
  const { customer } = await get("/api/session");
  const title = customer ? "Your account" : "Sign in";
  return { title, content: [h("h1", { tabindex: "-1" }, title), customer ? signedIn(customer) : signedOut()] };
}

const go = (address) => document.dispatchEvent(new CustomEvent("shop:go", { detail: address }));

async function entered() {
  const [{ customer }, cart] = await Promise.all([get("/api/session"), get("/api/cart")]);
  document.dispatchEvent(new CustomEvent("shop:session", { detail: customer }));
  tellCart(cart);
  go(cart.lines.length ? "/cart" : "/account");
}

function signedOut() {
  return h("div", { class: "columns" },
    section("I have an account", "Sign in", "/api/session", [
      field("E-mail", { name: "email", type: "email", autocomplete: "username", required: true }),
      field("Password", { name: "password", type: "password", autocomplete: "current-password", required: true }),
    ]),
    section("I am new here", "Create account", "/api/accounts", [
      field("Name", { name: "new-name", autocomplete: "name", maxlength: 200 }),
      field("E-mail", { name: "new-email", type: "email", autocomplete: "email", required: true }),
      field("Password", { name: "new-password", type: "password", autocomplete: "new-password", minlength: 10, required: true }, { hint: "At least 10 characters" }),
    ]));
}

function section(title, label, path, fields) {
  const outcome = h("div", {});
  const button = h("button", { class: "primary", type: "submit" }, label);
  const submit = (event) => {
    event.preventDefault();
    if (!valid(fields)) return;
    const body = Object.fromEntries([...new FormData(event.target)].map(([name, value]) => [name.replace("new-", ""), value]));
    once(button, async () => {
      try {
        await post(path, body);
        await entered();
      } catch (error) {
        outcome.replaceChildren(problem(error.message));
      }
    });
  };
  return h("section", { class: "summary" }, h("h2", {}, title), outcome, h("form", { novalidate: true, on: { submit } }, fields, button));
}

function signedIn(customer) {
  const outcome = h("div", {});
  const leave = async () => {
    await remove("/api/session");
    document.dispatchEvent(new CustomEvent("shop:session", { detail: null }));
    tellCart({ lines: [] });
    go("/");
  };
  const out = h("button", { on: { click: () => once(out, leave) } }, "Sign out");
  const forget = h("button", { on: { click: () => dialog.showModal() } }, "Delete my account");
  const dialog = confirmation(async () => {
    try {
      await remove("/api/account");
      document.dispatchEvent(new CustomEvent("shop:session", { detail: null }));
      tellCart({ lines: [] });
      go("/");
    } catch (error) {
      outcome.replaceChildren(problem(error.message));
    }
  });
  return h("div", {},
    outcome,
    h("p", {}, customer.name ? `${customer.name}, ` : "", customer.email),
    h("div", { class: "row" }, h("a", { class: "button", href: "/orders" }, "Your orders"), out),
    h("h2", {}, "Your data"),
    h("p", {}, "Everything the shop knows about you, as a file; or nothing at all any more: orders stay for the books, without your name."),
    h("div", { class: "row" }, h("a", { class: "button", href: "/api/account/export", download: "my-data.json" }, "Download my data"), forget),
    dialog);
}

function confirmation(act) {
  const dialog = h("dialog", { "aria-labelledby": "sure" },
    h("h2", { id: "sure" }, "Delete your account?"),
    h("p", {}, "Your name, addresses and cart are erased. This cannot be undone."),
    h("form", { method: "dialog", class: "row" },
      h("button", { value: "no", autofocus: true }, "Keep it"), h("button", { value: "yes" }, "Delete it")));
  dialog.addEventListener("close", () => { if (dialog.returnValue === "yes") act(); });
  return dialog;
}
