import assert from "node:assert/strict";
import { test } from "node:test";

import { parseRecipients } from "./recipients.ts";

test("a line is an address and what is filled in for it", () => {
  const { recipients, mistake } = parseRecipients("ada@example.com, name=Ada Byron, note=a=b\n\n  bob@example.com  \n");
  assert.equal(mistake, undefined);
  assert.deepEqual(recipients, [
    { email: "ada@example.com", variables: { name: "Ada Byron", note: "a=b" } },
    { email: "bob@example.com", variables: {} },
  ]);
});

test("the first line that is not understood is named", () => {
  assert.match(parseRecipients("ada@example.com\nnobody").mistake ?? "", /^Line 2 /u);
  assert.match(parseRecipients("ada@example.com, Ada").mistake ?? "", /^Line 1 /u);
  assert.match(parseRecipients("\n").mistake ?? "", /Somebody/u);
  assert.match(parseRecipients("a@b\n".repeat(1_001)).mistake ?? "", /At most 1000/u);
});
