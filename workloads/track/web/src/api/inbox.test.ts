import assert from "node:assert/strict";
import { test } from "node:test";

import { matching } from "./inbox.ts";

const MAILS = [
  { id: "1", received_at: "", sender: "mail@track.example", recipients: ["Ada@example.com"], subject: "Join us" },
  { id: "2", received_at: "", sender: "mail@track.example", recipients: ["bob@example.com"], subject: "Your link" },
];

function found(search: string): readonly string[] {
  return matching(MAILS, search).map((mail) => mail.id);
}

test("every word has to occur somewhere", () => {
  assert.deepEqual(found("track"), ["1", "2"]);
  assert.deepEqual(found("  ada JOIN "), ["1"]);
  assert.deepEqual(found("ada link"), []);
  assert.deepEqual(found(""), ["1", "2"]);
});
