import assert from "node:assert/strict";
import { test } from "node:test";

import { append, path, type Sample } from "./series.ts";

test("the line goes from left to right and the highest value is on top", () => {
  const samples = [
    { at: 1_000, value: 0 },
    { at: 2_000, value: 10 },
    { at: 3_000, value: 5 },
  ];
  assert.equal(path(samples, 100, 106, 10), "M0.0 103.0L50.0 3.0L100.0 53.0");
});

test("nothing, one sample and zeros draw without a division by zero", () => {
  assert.equal(path([], 100, 100, 0), "");
  assert.equal(path([{ at: 5, value: 7 }], 100, 106, 7), "M0 3.0H100");
  assert.equal(path([{ at: 1, value: 0 }, { at: 2, value: 0 }], 100, 100, 0), "M0.0 97.0L100.0 97.0");
});

test("a series forgets its oldest samples and takes no moment twice", () => {
  let samples: readonly Sample[] = [];
  for (let at = 0; at < 300; at += 1) samples = append(samples, { at, value: at });
  assert.equal(samples.length, 120);
  assert.equal(samples[0]?.at, 180);
  assert.equal(append(samples, { at: 299, value: 1 }), samples);
});
