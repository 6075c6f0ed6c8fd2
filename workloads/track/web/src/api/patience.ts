/** A server that is too busy says so before it has done anything, and when to ask again: then it is asked again. */

type Fetch = (request: Request) => Promise<Response>;

const ATTEMPTS = 4;
const PAUSE_MS_MAX = 5_000;

async function wasNotTaken(response: Response): Promise<boolean> {
  return response.status === 503 && (await response.clone().text()).includes("overloaded");
}

function pauseMs(response: Response): number {
  const seconds = Number(response.headers.get("retry-after") ?? 1);
  return Math.min(Number.isFinite(seconds) ? seconds * 1_000 : 1_000, PAUSE_MS_MAX);
}

/** `fetch` that asks up to four times. What was taken is never sent twice, whatever became of it. */
export function patient(fetch: Fetch, wait: (pause: number) => Promise<unknown>): Fetch {
  async function ask(request: Request, attempts: number): Promise<Response> {
    const response = await fetch(request.clone());
    if (attempts === 1 || !(await wasNotTaken(response))) return response;
    await wait(pauseMs(response));
    return ask(request, attempts - 1);
  }
  return (request) => ask(request, ATTEMPTS);
}
