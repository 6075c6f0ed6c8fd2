import type { ResidencyState } from "./api/schema.ts";

const PLACES = { eu: "the European Union", us: "the United States" } as const;
const SHARED = "All organisations of this installation share one database: its region is one for all of them.";

/** Plain words for where data may be and is. */
export function residencyText({ allowed, region, state }: Pick<ResidencyState, "allowed" | "region" | "state">): string {
  const wish = `The data may be in ${PLACES[allowed]}.`;
  switch (state) {
    case "kept":
      return `${wish} It is, in ${region}. A move to a database elsewhere is refused. ${SHARED}`;
    case "broken":
      return `${wish} It is not: the database is in ${region}. Ask the operator. ${SHARED}`;
    case "unknown":
      return `${wish} Nobody has told this installation where its database is, so nothing proves it. ${SHARED}`;
  }
}
