import { useEffect, useRef, type ReactNode } from "react";

import { messageOf } from "../api/problem.ts";

let pagesShown = 0;

type PageProps = {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
};

/** One page: its title is the document's, and gets the focus when the visitor came by a link of ours. */
export function Page({ title, lead, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Track`;
  }, [title]);
  useEffect(() => {
    pagesShown += 1;
    if (pagesShown > 1) {
      heading.current?.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
  }, []);
  return (
    <>
      <div className="title">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {actions}
      </div>
      {lead === undefined ? null : <p className="lead">{lead}</p>}
      {children}
    </>
  );
}

export function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="card">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** Holds the place of what is still loading, so that nothing moves when it comes. */
export function Placeholder({ rows = 4 }: { readonly rows?: number }) {
  return (
    <div className="placeholder" aria-busy="true" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} />
      ))}
    </div>
  );
}

type Query<Data> = {
  readonly data: Data | undefined;
  readonly error: unknown;
  readonly refetch: () => Promise<unknown>;
};

type LoadedProps<Data> = {
  readonly query: Query<Data>;
  readonly rows?: number;
  readonly children: (data: Data) => ReactNode;
};

/** What a query brought; until then its place, and why it failed with a way to ask again. */
export function Loaded<Data>({ query, rows, children }: LoadedProps<Data>) {
  if (query.data !== undefined) return children(query.data);
  if (query.error === null) return <Placeholder {...(rows === undefined ? {} : { rows })} />;
  return (
    <div className="notice bad" role="alert">
      <p>{messageOf(query.error)}</p>
      <button type="button" onClick={() => void query.refetch()}>
        Try again
      </button>
    </div>
  );
}

export type Tone = "good" | "bad" | "warn" | "plain";

export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>;
}
