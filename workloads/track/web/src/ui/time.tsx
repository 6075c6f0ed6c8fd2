import { useState } from "react";

import { ago, exact } from "./format.ts";

/** A moment as people say it; the exact one is in the title. */
export function Moment({ at }: { readonly at: string | null | undefined }) {
  const [now] = useState(Date.now);
  if (at === null || at === undefined) return <>–</>;
  return (
    <time dateTime={at} title={exact(at)}>
      {ago(at, now)}
    </time>
  );
}
