import assert from "node:assert/strict";
import { test } from "node:test";

import { ago, duration, money } from "./format.ts";

const NOON = Date.parse("2026-11-20T12:00:00Z");

test("a moment is told from near to far", () => {
  assert.equal(ago("2026-11-20T11:59:40Z", NOON), "just now");
  assert.equal(ago("2026-11-20T11:59:10Z", NOON), "1 minute ago");
  assert.equal(ago("2026-11-20T12:10:00Z", NOON), "in 10 minutes");
  assert.equal(ago("2026-11-19T11:00:00Z", NOON), "yesterday");
  assert.equal(ago("2026-10-01T12:00:00Z", NOON), "1 Oct 2026");
});

test("a duration has the unit that suits it", () => {
  assert.deepEqual([0.0123, 1.26, 42.4, 600, 7_300].map(duration), ["12 ms", "1.3 s", "42 s", "10 min", "2 h"]);
});

test("money comes from minor units", () => {
  assert.equal(money(1_999, "EUR"), "€19.99");
});
