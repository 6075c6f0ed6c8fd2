/** Whom a mail goes to, as people write it down: one recipient a line, `ada@example.com, name=Ada, city=York`. */

export type Recipient = { readonly email: string; readonly variables: Readonly<Record<string, string>> };
export type Recipients = { readonly recipients: readonly Recipient[]; readonly mistake: string | undefined };

const ADDRESS = /^[^\s@]+@[^\s@]+$/u;
const RECIPIENTS_MAX = 1_000;

function recipientOf(line: string): Recipient | undefined {
  const [email, ...pairs] = line.split(",").map((part) => part.trim());
  if (email === undefined || !ADDRESS.test(email)) return undefined;
  const variables: Record<string, string> = {};
  for (const pair of pairs.filter((one) => one !== "")) {
    const [name, ...value] = pair.split("=");
    if (name === undefined || value.length === 0 || !/^\w+$/u.test(name.trim())) return undefined;
    variables[name.trim()] = value.join("=").trim();
  }
  return { email, variables };
}

/** Everybody in the text; `mistake` names the first line that is not understood. */
export function parseRecipients(text: string): Recipients {
  const recipients: Recipient[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const recipient = recipientOf(line);
    if (recipient === undefined) {
      return { recipients, mistake: `Line ${index + 1} is not an address, or not followed by name=value` };
    }
    recipients.push(recipient);
  }
  if (recipients.length === 0) return { recipients, mistake: "Somebody has to receive it" };
  if (recipients.length > RECIPIENTS_MAX) return { recipients, mistake: `At most ${RECIPIENTS_MAX} recipients` };
  return { recipients, mistake: undefined };
}
