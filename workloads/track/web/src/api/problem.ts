/** What the API says when it refuses (RFC 9457), as the error that the pages catch. */

/** One mistake in what was sent: `field` is the name of the form's field. */
export type FieldErrors = Readonly<Record<string, string>>;

export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly status: number;
  /** The stable word for it, which code may act on. */
  readonly code: string;
  readonly fields: FieldErrors;

  constructor(status: number, code: string, message: string, fields: FieldErrors = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
  }
}

type Document = Readonly<Record<string, unknown>>;

function isDocument(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The JSON Pointer `/seats` is the field `seats`; of a deeper one, as `/recipients/0/email`, the last name counts. */
export function fieldOf(pointer: string): string {
  const names = pointer.split("/").filter((name) => name !== "" && !/^\d+$/u.test(name));
  return names.at(-1) ?? "";
}

function fieldErrors(problem: Document): FieldErrors {
  const fields: Record<string, string> = {};
  const listed = Array.isArray(problem["errors"]) ? problem["errors"] : [];
  for (const entry of listed) {
    if (!isDocument(entry)) continue;
    const field = fieldOf(text(entry["pointer"]) ?? "");
    const said = text(entry["detail"]);
    if (field !== "" && said !== undefined) fields[field] ??= said;
  }
  return fields;
}

function fallback(status: number): string {
  if (status === 0) return "The server cannot be reached. Check the connection and try again.";
  if (status === 429) return "Too many requests. Wait a moment and try again.";
  if (status >= 500) return "The server has a problem. Nothing was changed; try again in a moment.";
  return "The server refused this.";
}

/** The error for an answer: whatever the body is, a person can read the message. */
export function problemOf(status: number, body: unknown): ProblemError {
  const problem = isDocument(body) ? body : {};
  const message = text(problem["detail"]) ?? text(problem["title"]) ?? fallback(status);
  return new ProblemError(status, text(problem["code"]) ?? "", message, fieldErrors(problem));
}

/** What to show for anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof ProblemError ? error.message : fallback(0);
}
