import assert from "node:assert/strict";
import { test } from "node:test";

import { residencyText } from "./residency.ts";

test("what is not enforced is said", () => {
  assert.match(residencyText({ allowed: "eu", region: null, state: "unknown" }), /nothing proves it/u);
  assert.match(residencyText({ allowed: "us", region: "eu-west-1", state: "broken" }), /It is not.*eu-west-1/u);
  assert.match(residencyText({ allowed: "eu", region: "eu-west-1", state: "kept" }), /It is, in eu-west-1/u);
});
