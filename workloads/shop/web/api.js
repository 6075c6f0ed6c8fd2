// Talking to the API: JSON in and out, problems as errors, and patience where the shop asks for it.

const RETRIES_MAX = 4;
const TIMEOUT_MS = 15_000;

/** What the API answered instead of what was wanted. `code` is stable, `message` is for the buyer. */
export class ApiProblem extends Error {
  constructor(status, body) {
    super(body.detail || "The shop did not answer. Please try again.");
    this.status = status;
    this.code = body.code || "unknown";
    this.body = body;
  }
}

const pause = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });

/**
 * One call. A 503 is sent again after its Retry-After, with jitter, when sending again is safe: reads, and
 * whatever carries an Idempotency-Key.
 */
export async function call(method, path, body, { key } = {}) {
  const safe = method === "GET" || key !== undefined;
  for (let attempt = 0; ; attempt += 1) {
    const response = await send(method, path, body, key).catch(() => null);
    if (response && response.ok) return response.status === 204 ? null : response.json();
    const status = response ? response.status : 0;
    const again = safe && attempt < RETRIES_MAX && (status === 0 || status === 503 || status === 504);
    if (!again) throw new ApiProblem(status, response ? await response.json().catch(() => ({})) : {});
    const asked = Number(response?.headers.get("retry-after")) || 2 ** attempt * 0.5;
    await pause(Math.min(asked, 8) * (0.5 + Math.random()));
  }
}

function send(method, path, body, key) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (key !== undefined) headers["idempotency-key"] = key;
  return fetch(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: "same-origin",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
}

export const get = (path) => call("GET", path);
export const post = (path, body, options) => call("POST", path, body, options);
export const put = (path, body) => call("PUT", path, body);
export const remove = (path) => call("DELETE", path);

const listeners = new Set();

/** Be told of every cart that the API answers with. */
export const onCart = (listener) => listeners.add(listener);

/** Tell everyone of a cart; returns it. */
export function tellCart(cart) {
  for (const listener of listeners) listener(cart);
  return cart;
}
