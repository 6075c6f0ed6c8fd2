import { useState } from "react";
import { Link, useParams } from "wouter";

import { api, queries } from "../api/client.ts";
import { useRefresh } from "../api/cache.ts";
import type { MailDetail } from "../api/schema.ts";
import { useInside, useOrganisation } from "../organisation.ts";
import { Confirm } from "../ui/dialog.tsx";
import { Letter } from "../ui/letter.tsx";
import { Loaded, Page, Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Moment } from "../ui/time.tsx";
import { MailState } from "./mail-state.tsx";

const MAIL = "/api/organisations/{organisation}/mails/{mail}";

function Cancel({ id }: { readonly id: string }) {
  const inside = useInside();
  const refresh = useRefresh();
  const [asking, setAsking] = useState(false);
  async function cancel() {
    await api.DELETE(MAIL, { params: { path: { ...inside.params.path, mail: id } } });
    await refresh(MAIL, "/api/organisations/{organisation}/mails");
  }
  return (
    <>
      <button type="button" onClick={() => setAsking(true)}>
        Do not send
      </button>
      {asking ? (
        <Confirm title="Do not send this mail?" action="Do not send" onConfirm={cancel} onClose={() => setAsking(false)}>
          <p>It stays in the list, as cancelled.</p>
        </Confirm>
      ) : null}
    </>
  );
}

function Facts({ detail: { mail } }: { readonly detail: MailDetail }) {
  return (
    <Section title="Facts">
      <dl className="facts">
        <dt>To</dt>
        <dd>{mail.recipient}</dd>
        <dt>State</dt>
        <dd>
          <MailState state={mail.state} /> {mail.error}
        </dd>
        <dt>To be sent</dt>
        <dd>
          <Moment at={mail.send_at} />
        </dd>
        <dt>Sent</dt>
        <dd>
          <Moment at={mail.sent_at} />
        </dd>
        <dt>Attempts</dt>
        <dd>{mail.attempts}</dd>
      </dl>
      {mail.state === "pending" ? <Cancel id={mail.id} /> : null}
    </Section>
  );
}

export default function MailPage() {
  const { id } = useOrganisation();
  const inside = useInside();
  const { mail = "" } = useParams<{ readonly mail: string }>();
  const query = queries.useQuery("get", MAIL, { params: { path: { ...inside.params.path, mail } } });
  return (
    <Page title={query.data?.filled_subject ?? "Mail"} lead={<Link href={`/o/${id}`}>All mails</Link>}>
      <Loaded query={query} rows={10}>
        {(detail) => (
          <>
            <Facts detail={detail} />
            <Section title="What the recipient reads">
              <Letter html={detail.html} text={detail.text} />
            </Section>
            <Section title="What happened to it">
              <Table
                caption="Events"
                rows={detail.events}
                rowKey={(event) => `${event.kind} ${event.at}`}
                empty="Nothing yet."
                columns={[
                  { name: "Event", cell: (event) => event.kind },
                  { name: "Detail", cell: (event) => event.detail },
                  { name: "When", cell: (event) => <Moment at={event.at} /> },
                ]}
              />
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  );
}
