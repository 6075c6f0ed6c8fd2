/** The typed client: every refusal is a ProblemError, every change carries the session's CSRF token. */

import createFetch, { type Middleware } from "openapi-fetch";
import createQueries from "openapi-react-query";

import { patient } from "./patience.ts";
import { problemOf } from "./problem.ts";
import type { paths } from "./schema.ts";

const CSRF_HEADER = "x-csrf-token";
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
const SIGNED_OUT = "signed_out";

let csrfToken = "";
let onSignedOut = () => {};

/** What belongs to the session that began; GET /api/session tells it again after a reload. */
export function keepCsrfToken(token: string): void {
  csrfToken = token;
}

/** Called whenever an answer says that nobody is signed in (any more). */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

async function bodyOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

const refusals: Middleware = {
  onRequest({ request }) {
    if (!SAFE_METHODS.has(request.method)) request.headers.set(CSRF_HEADER, csrfToken);
    return request;
  },
  async onResponse({ response }) {
    if (response.ok) return;
    const problem = problemOf(response.status, await bodyOf(response));
    if (problem.code === SIGNED_OUT) onSignedOut();
    throw problem;
  },
  onError() {
    return problemOf(0, undefined);
  },
};

function wait(pause: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, pause);
  });
}

export const api = createFetch<paths>({
  baseUrl: window.location.origin,
  fetch: patient((request) => window.fetch(request), wait),
});
api.use(refusals);

/** `queries.useQuery("get", path, …)`: cached, with the types of the path. */
export const queries = createQueries(api);
