import assert from "node:assert/strict";
import { test } from "node:test";

import { placeholders } from "./placeholders.ts";

test("every name that is filled in stands for itself", () => {
  assert.deepEqual(placeholders("Hello {{ name }}", "{% if vip %}{{vip|upper}}{% endif %} {{- city -}}"), {
    name: "‹name›",
    vip: "‹vip›",
    city: "‹city›",
  });
});

test("what has parts is left to the real values", () => {
  assert.deepEqual(placeholders("{{ order.number }}", "no names { here }"), {});
});
