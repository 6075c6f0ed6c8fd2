import assert from "node:assert/strict";
import { test } from "node:test";

import { fieldOf, messageOf, ProblemError, problemOf } from "./problem.ts";

test("a pointer names its field", () => {
  for (const pointer of ["/email", "/members/0/email", "/email/0"]) assert.equal(fieldOf(pointer), "email");
  assert.equal(fieldOf("/"), "");
});

test("each field keeps the first that is said of it", () => {
  const problem = problemOf(422, {
    code: "invalid",
    title: "Invalid",
    detail: "two fields are wrong",
    errors: [
      { pointer: "/email", detail: "no address" },
      { pointer: "/email", detail: "too short" },
      { pointer: "/name", detail: "missing" },
      "noise",
    ],
  });
  assert.deepEqual(problem.fields, { email: "no address", name: "missing" });
  assert.equal(problem.message, "two fields are wrong");
});

test("a problem that lists no fields blames none", () => {
  assert.deepEqual(problemOf(422, { code: "invalid", detail: "seats - at `$.seats`" }).fields, {});
});

test("an answer that is no problem document is still told in words", () => {
  assert.match(problemOf(502, "<html>").message, /server has a problem/u);
  assert.match(problemOf(429, undefined).message, /Too many/u);
  assert.match(messageOf(new TypeError("fetch failed")), /cannot be reached/u);
  assert.equal(messageOf(new ProblemError(409, "taken", "taken")), "taken");
});
