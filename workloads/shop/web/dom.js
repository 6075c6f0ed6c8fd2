// The few helpers that all pages share. Text is only ever set as text, so nothing a product says can become markup.

const money = new Intl.NumberFormat("en-GB", { style: "currency", currency: "GBP" });

/** An element: attributes, `on` for listeners, then children (strings become text, null is left out). */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Pence as pounds. */
export const pounds = (minor) => money.format(minor / 100);

const SVG = "http://www.w3.org/2000/svg";

/** A decorative picture that belongs to a product: two hues and a shape, the same ones each time. */
export function swatch(text) {
  let hash = 2166136261;
  for (const character of text) hash = Math.imul(hash ^ character.codePointAt(0), 16777619) >>> 0;
  const hue = hash % 360;
  const picture = draw("svg", { viewBox: "0 0 100 60", class: "swatch", "aria-hidden": "true", preserveAspectRatio: "xMidYMid slice" });
  picture.append(draw("rect", { width: 100, height: 60, fill: `hsl(${hue} 38% 84%)` }));
  const fill = `hsl(${(hue + 40 + ((hash >>> 9) % 80)) % 360} 42% 52%)`;
  const size = 13 + ((hash >>> 16) % 8);
  const shapes = [
    () => draw("circle", { cx: 50, cy: 30, r: size, fill }),
    () => draw("rect", { x: 50 - size, y: 30 - size, width: 2 * size, height: 2 * size, rx: 5, fill }),
    () => draw("path", { d: `M50 ${30 - size} L${50 + size} ${30 + size} H${50 - size} Z`, fill }),
    () => draw("path", { d: `M${50 - size} 30 a${size} ${size} 0 0 1 ${2 * size} 0 z`, fill }),
  ];
  picture.append(shapes[(hash >>> 22) % shapes.length]());
  return picture;
}

function draw(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** Say something to those who do not see the page change. */
export function announce(text) {
  const announcer = document.querySelector("[data-announcer]");
  announcer.textContent = "";
  requestAnimationFrame(() => { announcer.textContent = text; });
}

/** A labelled input; `error(text)` marks it and is read out with it. */
export function field(label, attributes, { hint = "" } = {}) {
  const id = `f-${attributes.name}`;
  const input = h("input", { id, ...attributes });
  const error = h("span", { class: "error", id: `${id}-error` });
  const note = hint ? h("span", { class: "hint", id: `${id}-hint` }, hint) : null;
  const describe = (wrong) => {
    const ids = [hint ? `${id}-hint` : "", wrong ? `${id}-error` : ""].filter(Boolean).join(" ");
    if (ids) input.setAttribute("aria-describedby", ids); else input.removeAttribute("aria-describedby");
  };
  describe(false);
  const box = h("div", { class: "field" }, h("label", { for: id }, label), input, note, error);
  box.input = input;
  box.error = (text) => {
    error.textContent = text;
    if (text) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
    describe(Boolean(text));
  };
  return box;
}

/** Check fields with the browser's own rules; marks the wrong ones, focuses the first, says whether all are right. */
export function valid(fields) {
  let first = null;
  for (const one of fields) {
    const wrong = !one.input.checkValidity();
    one.error(wrong ? one.input.validationMessage : "");
    if (wrong && !first) first = one.input;
  }
  first?.focus();
  return first === null;
}

/** A box with a problem in it, read out at once. */
export const problem = (text, ...more) => h("div", { class: "notice bad", role: "alert" }, h("p", {}, text), ...more);

/** Run `work` with the button disabled, so that a double click is one click. */
export async function once(button, work) {
  if (button.disabled) return;
  button.disabled = true;
  try {
    await work();
  } finally {
    button.disabled = false;
  }
}
