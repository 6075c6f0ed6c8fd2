import { useState } from "react";
import { Link } from "wouter";

import { queries } from "../api/client.ts";
import type { MailItem } from "../api/schema.ts";
import { useInside, useOrganisation } from "../organisation.ts";
import { Loaded, Page, Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Moment } from "../ui/time.tsx";
import { isWaiting, MailState } from "./mail-state.tsx";

const MAILS = "/api/organisations/{organisation}/mails";
const STATES: readonly MailItem["state"][] = [
  "pending",
  "queued",
  "sending",
  "sent",
  "failed",
  "suppressed",
  "cancelled",
  "bounced",
  "complained",
];
const AGAIN_MS = 1_000;

function Mails({ state }: { readonly state: string }) {
  const { id } = useOrganisation();
  const inside = useInside();
  const query = queries.useInfiniteQuery(
    "get",
    MAILS,
    { params: { ...inside.params, query: state === "" ? {} : { state } } },
    {
      pageParamName: "after",
      initialPageParam: "",
      getNextPageParam: (page) => page.next,
      refetchInterval: ({ state: { data } }) =>
        data?.pages.some((page) => page.items.some(isWaiting)) === true ? AGAIN_MS : false,
    },
  );
  return (
    <Loaded query={query} rows={8}>
      {({ pages }) => (
        <>
          <Table
            caption="Mails"
            rows={pages.flatMap((page) => page.items)}
            rowKey={(mail) => mail.id}
            empty="No mail is here. Write one."
            columns={[
              { name: "Subject", cell: (mail) => <Link href={`/o/${id}/mails/${mail.id}`}>{mail.subject}</Link> },
              { name: "To", cell: (mail) => mail.recipient },
              { name: "State", cell: (mail) => <MailState state={mail.state} /> },
              { name: "Sent", cell: (mail) => <Moment at={mail.sent_at ?? mail.send_at} /> },
            ]}
          />
          {query.hasNextPage ? (
            <button type="button" aria-disabled={query.isFetching} onClick={() => void query.fetchNextPage()}>
              Show older
            </button>
          ) : null}
        </>
      )}
    </Loaded>
  );
}

export function MailsPage() {
  const { id, name } = useOrganisation();
  const [state, setState] = useState("");
  return (
    <Page
      title="Mails"
      lead={`What ${name} sends.`}
      actions={
        <Link className="button primary" href={`/o/${id}/compose`}>
          Write a mail
        </Link>
      }
    >
      <Section title="Latest first">
        <div className="field">
          <label htmlFor="state">State</label>
          <select id="state" value={state} onChange={(event) => setState(event.target.value)}>
            <option value="">Every state</option>
            {STATES.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </div>
        <Mails state={state} />
      </Section>
    </Page>
  );
}
