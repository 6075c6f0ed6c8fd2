import assert from "node:assert/strict";
import { test } from "node:test";

import { patient } from "./patience.ts";

const BUSY = JSON.stringify({ type: "overloaded" });

function busy(retryAfter: string): Response {
  return new Response(BUSY, { status: 503, headers: { "retry-after": retryAfter } });
}

function server(...answers: readonly Response[]) {
  const bodies: string[] = [];
  const pauses: number[] = [];
  const rest = [...answers];
  const ask = patient(
    async (request) => {
      bodies.push(await request.text());
      return rest.shift() ?? new Response("late");
    },
    async (pause) => pauses.push(pause),
  );
  const send = () => ask(new Request("http://track.test/", { method: "POST", body: "once" }));
  return { send, bodies, pauses };
}

test("what a busy server did not take is sent again when it says", async () => {
  const { send, bodies, pauses } = server(busy("2"), busy("2"), new Response("done"));
  assert.equal(await (await send()).text(), "done");
  assert.deepEqual(bodies, ["once", "once", "once"]);
  assert.deepEqual(pauses, [2_000, 2_000]);
});

test("the fourth refusal is believed, and no pause is longer than five seconds", async () => {
  const { send, bodies, pauses } = server(...Array.from({ length: 5 }, () => busy("3600")));
  assert.equal((await send()).status, 503);
  assert.equal(bodies.length, 4);
  assert.deepEqual(pauses, [5_000, 5_000, 5_000]);
});

test("what may have been taken is not sent twice", async () => {
  const answers = [new Response("{}", { status: 503 }), new Response(BUSY, { status: 500 })];
  const servers = answers.map((answer) => server(answer));
  assert.deepEqual(await Promise.all(servers.map(({ send }) => send())), answers);
  assert.deepEqual(servers.map(({ bodies }) => bodies.length), [1, 1]);
});
