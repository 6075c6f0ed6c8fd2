/** The mail server of `rung dev`: what was sent, to look at. It is no part of the API, and only there on one's own machine. */

import { problemOf } from "./problem.ts";

export type InboxItem = {
  readonly id: string;
  readonly received_at: string;
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly subject: string;
};

export type InboxMail = InboxItem & {
  readonly headers: readonly (readonly [string, string])[];
  readonly text: string;
  readonly html: string;
  readonly links: readonly string[];
};

type Listing = { readonly items: readonly InboxItem[]; readonly received: number };

const MAILS = "/api/inbox/mails";

async function ask<Answer>(path: string, method = "GET"): Promise<Answer> {
  const response = await fetch(path, { method }).catch(() => Promise.reject(problemOf(0, undefined)));
  if (!response.ok) throw problemOf(response.status, undefined);
  return (await response.json()) as Answer;
}

/** The latest mails first. */
export function listInbox(): Promise<Listing> {
  return ask<Listing>(`${MAILS}?limit=200`);
}

export function readInbox(mail: string): Promise<InboxMail> {
  return ask<InboxMail>(`${MAILS}/${encodeURIComponent(mail)}`);
}

export async function emptyInbox(): Promise<void> {
  await ask<unknown>(MAILS, "DELETE");
}

/** Whether this page is shown by `rung dev`, which has an inbox. */
export function hasInbox(): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(window.location.hostname);
}

/** The mails in which every word occurs: in the subject, the sender or a recipient. */
export function matching(mails: readonly InboxItem[], search: string): readonly InboxItem[] {
  const words = search.toLowerCase().split(/\s+/u).filter(Boolean);
  return mails.filter((mail) => {
    const text = [mail.subject, mail.sender, ...mail.recipients].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
