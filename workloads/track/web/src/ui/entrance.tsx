import type { ReactNode } from "react";

import { Page } from "./page.tsx";

export function Brand() {
  return (
    <>
      <img src="/icon.svg" alt="" width="26" height="26" />
      Track
    </>
  );
}

/** A page for who is not inside yet: one narrow column. */
export function EntrancePage(props: {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <main className="narrow">
      <p className="brand">
        <Brand />
      </p>
      <Page {...props} />
    </main>
  );
}
