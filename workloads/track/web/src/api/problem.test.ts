import assert from "node:assert/strict";
import { test } from "node:test";

import { fieldOf, messageOf, ProblemError, problemOf } from "./problem.ts";

test("a pointer of any dialect names its field", () => {
  for (const pointer of ["email", "/email", "#/email", "$.email", "$.members[0].email", "/members/0/email"]) {
    assert.equal(fieldOf(pointer), "email");
  }
  assert.equal(fieldOf("/"), "");
});

test("each field keeps the first that is said of it", () => {
  const problem = problemOf(422, {
    code: "invalid",
    title: "Invalid",
    detail: "two fields are wrong",
    errors: [
      { pointer: "#/email", detail: "no address" },
      { pointer: "#/email", detail: "too short" },
      { field: "name", message: "missing" },
      "noise",
    ],
  });
  assert.deepEqual(problem.fields, { email: "no address", name: "missing" });
  assert.equal(problem.message, "two fields are wrong");
});

test("the place in what a decoder says names the field", () => {
  const problem = problemOf(422, { code: "invalid", detail: "Expected `int`, got `str` - at `$.seats`" });
  assert.deepEqual(problem.fields, { seats: "Expected `int`, got `str`" });
});

test("an answer that is no problem document is still told in words", () => {
  assert.match(problemOf(502, "<html>").message, /server has a problem/u);
  assert.match(problemOf(429, undefined).message, /Too many/u);
  assert.match(messageOf(new TypeError("fetch failed")), /cannot be reached/u);
  assert.equal(messageOf(new ProblemError(409, "taken", "taken")), "taken");
});
