import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { Link, useParams } from "wouter";

import { emptyInbox, listInbox, matching, readInbox, type InboxItem, type InboxMail } from "../api/inbox.ts";
import { Brand } from "../ui/entrance.tsx";
import { Letter } from "../ui/letter.tsx";
import { Loaded, Page } from "../ui/page.tsx";
import { ownPath } from "../ui/links.ts";
import { Moment } from "../ui/time.tsx";

const AGAIN_MS = 2_000;
const INBOX = ["inbox"];

function Links({ links }: { readonly links: readonly string[] }) {
  const own = links.flatMap((link) => ownPath(link) ?? []);
  if (own.length === 0) return null;
  return (
    <>
      <h3>Links</h3>
      <ul>
        {own.map((path) => (
          <li key={path}>
            <a href={path}>{path.replace(/#.*/u, "")}</a>
          </li>
        ))}
      </ul>
    </>
  );
}

function Opened({ mail }: { readonly mail: InboxMail }) {
  return (
    <article className="card" aria-label={mail.subject}>
      <h2>{mail.subject}</h2>
      <dl className="facts">
        <dt>From</dt>
        <dd>{mail.sender}</dd>
        <dt>To</dt>
        <dd>{mail.recipients.join(", ")}</dd>
        <dt>Received</dt>
        <dd>
          <Moment at={mail.received_at} />
        </dd>
      </dl>
      <Letter html={mail.html} text={mail.text} />
      <Links links={mail.links} />
      <details>
        <summary>Headers</summary>
        <dl className="facts">
          {mail.headers.map(([name, value], index) => (
            // oxlint-disable-next-line react/no-array-index-key -- headers may come twice, and never change
            <div key={index} className="header">
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </details>
    </article>
  );
}

function Reading({ id }: { readonly id: string | undefined }) {
  const query = useQuery({
    queryKey: [...INBOX, id],
    queryFn: () => readInbox(id ?? ""),
    enabled: id !== undefined,
    staleTime: Infinity,
  });
  if (id === undefined) return <p className="empty">Choose a mail to read it.</p>;
  return (
    <Loaded query={query} rows={8}>
      {(mail) => <Opened mail={mail} />}
    </Loaded>
  );
}

function List({ mails, chosen }: { readonly mails: readonly InboxItem[]; readonly chosen: string | undefined }) {
  if (mails.length === 0) return <p className="empty">No mail is here.</p>;
  return (
    <ol className="mails">
      {mails.map((mail) => (
        <li key={mail.id}>
          <Link href={`/inbox/${mail.id}`} aria-current={mail.id === chosen ? "page" : undefined}>
            {mail.subject}
            <small>
              {mail.recipients.join(", ")} · <Moment at={mail.received_at} />
            </small>
          </Link>
        </li>
      ))}
    </ol>
  );
}

/** Every mail that left this machine's track, instead of leaving it. */
export default function InboxPage() {
  const { mail: chosen } = useParams<{ readonly mail?: string }>();
  const cache = useQueryClient();
  const [search, setSearch] = useState("");
  const wanted = useDeferredValue(search);
  const query = useQuery({ queryKey: INBOX, queryFn: listInbox, refetchInterval: AGAIN_MS });
  async function empty() {
    await emptyInbox();
    await cache.invalidateQueries({ queryKey: INBOX });
  }
  return (
    <main className="wide">
      <Link href="/" className="brand">
        <Brand />
      </Link>
      <Page
        title="Local inbox"
        lead="What was sent stays on this machine and is shown here."
        actions={
          <button type="button" onClick={() => void empty()}>
            Empty it
          </button>
        }
      >
        <div className="mailbox">
          <div className="card">
            <div className="field">
              <label htmlFor="search">Search</label>
              <input id="search" type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
            </div>
            <Loaded query={query}>
              {({ items }) => <List mails={matching(items, wanted)} chosen={chosen} />}
            </Loaded>
          </div>
          <Reading id={chosen} />
        </div>
      </Page>
    </main>
  );
}
