/** What a letter leaves open, for a preview before anybody's values are known. */

const OUTPUT = /\{\{-?\s*([A-Za-z_]\w*)\s*(?:\||-?\}\})/gu;
const CONDITION = /\{%-?\s*(?:el)?if\s+(?:not\s+)?([A-Za-z_]\w*)\s*-?%\}/gu;

/** Each name that is filled in, with itself in angle brackets as its value. */
export function placeholders(...sources: readonly string[]): Readonly<Record<string, string>> {
  const text = sources.join("\n");
  const names = [...text.matchAll(OUTPUT), ...text.matchAll(CONDITION)].flatMap(([, name]) => name ?? []);
  return Object.fromEntries(names.map((name) => [name, `‹${name}›`]));
}
