import type { MailItem } from "../api/schema.ts";
import { Badge, type Tone } from "../ui/page.tsx";

const TONES: Record<MailItem["state"], Tone> = {
  pending: "plain",
  queued: "plain",
  sending: "plain",
  sent: "good",
  failed: "bad",
  suppressed: "warn",
  cancelled: "plain",
  bounced: "bad",
  complained: "bad",
};

const WAITING: ReadonlySet<MailItem["state"]> = new Set(["pending", "queued", "sending"]);

export function MailState({ state }: { readonly state: MailItem["state"] }) {
  return <Badge tone={TONES[state]}>{state}</Badge>;
}

/** Whether a mail is still on its way: the page looks again after a moment. */
export function isWaiting(mail: MailItem): boolean {
  return WAITING.has(mail.state) && Date.parse(mail.send_at) < Date.now() + 60_000;
}
