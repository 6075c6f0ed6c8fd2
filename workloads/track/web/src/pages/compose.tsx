import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation, useSearch } from "wouter";

import { api, queries } from "../api/client.ts";
import { useRefresh } from "../api/cache.ts";
import { messageOf, ProblemError } from "../api/problem.ts";
import type { NewMails, Template } from "../api/schema.ts";
import { useInside, useOrganisation } from "../organisation.ts";
import { placeholders } from "../placeholders.ts";
import { parseRecipients } from "../recipients.ts";
import { Field, Form, Select, TextArea, type Values } from "../ui/form.tsx";
import { Letter } from "../ui/letter.tsx";
import { Loaded, Page, Section } from "../ui/page.tsx";
import { useSettled } from "../ui/settled.ts";
import { useToast } from "../ui/toast.tsx";

const TEMPLATES = "/api/organisations/{organisation}/templates";
const MAILS = "/api/organisations/{organisation}/mails";

type Draft = { readonly subject: string; readonly html: string; readonly recipients: string };

const EMPTY: Draft = { subject: "", html: "<p>Hello {{ name }},</p>\n<p></p>", recipients: "" };
const KINDS = [
  { value: "transactional", label: "To these people, at once" },
  { value: "campaign", label: "A campaign: with an unsubscribe link, at the organisation's pace" },
] as const;

/** What the first recipient would read, a moment after the last change. */
function Preview({ draft }: { readonly draft: Draft }) {
  const inside = useInside();
  const { subject, html, recipients } = useSettled(draft);
  const given = parseRecipients(recipients).recipients[0]?.variables;
  const variables = { ...placeholders(subject, html), ...given };
  const body = { subject, html, variables };
  const preview = useQuery({
    queryKey: ["preview", inside, body],
    queryFn: async () => {
      const { data } = await api.POST("/api/organisations/{organisation}/preview", { ...inside, body });
      return data ?? null;
    },
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
  if (preview.error !== null) return <p className="notice warn">{messageOf(preview.error)}</p>;
  if (preview.data == null) return <div className="letter" />;
  return (
    <>
      <p>
        <strong>{preview.data.subject}</strong>
      </p>
      <Letter html={preview.data.html} text={preview.data.text} />
    </>
  );
}

function moment(local: string): string | null {
  return local === "" ? null : new Date(local).toISOString();
}

function mailsOf(values: Values): NewMails {
  const { recipients, mistake } = parseRecipients(values("recipients"));
  if (mistake !== undefined) throw new ProblemError(422, "invalid", mistake, { recipients: mistake });
  const kind = values("kind") === "campaign" ? "campaign" : "transactional";
  return {
    recipients: [...recipients],
    subject: values("subject"),
    html: values("html"),
    kind,
    campaign: kind === "campaign" ? values("subject").slice(0, 120) : null,
    send_at: moment(values("send_at")),
  };
}

type EditorProps = { readonly draft: Draft; readonly onChange: (draft: Draft) => void };

function Editor({ draft, onChange }: EditorProps) {
  return (
    <>
      <TextArea
        label="Recipients"
        name="recipients"
        rows={3}
        required
        value={draft.recipients}
        onChange={(event) => onChange({ ...draft, recipients: event.target.value })}
        hint={
          <>
            One a line, with what is filled in: <code>ada@example.com, name=Ada</code>
          </>
        }
      />
      <Field
        label="Subject"
        name="subject"
        required
        value={draft.subject}
        onChange={(event) => onChange({ ...draft, subject: event.target.value })}
      />
      <TextArea
        label="HTML"
        name="html"
        required
        value={draft.html}
        onChange={(event) => onChange({ ...draft, html: event.target.value })}
      />
      <Select label="Kind" name="kind" choices={KINDS} />
      <Field label="Send at" name="send_at" type="datetime-local" hint="Empty: now. In your own time zone." />
    </>
  );
}

function Composition({ templates, first }: { readonly templates: readonly Template[]; readonly first: string }) {
  const inside = useInside();
  const { id } = useOrganisation();
  const [, navigate] = useLocation();
  const refresh = useRefresh();
  const say = useToast();
  const [key] = useState(() => crypto.randomUUID());
  const start = templates.find((template) => template.id === first);
  const [draft, setDraft] = useState<Draft>(
    start === undefined ? EMPTY : { ...EMPTY, subject: start.subject, html: start.html },
  );
  function choose(chosen: string) {
    const template = templates.find((one) => one.id === chosen);
    if (template !== undefined) setDraft({ ...draft, subject: template.subject, html: template.html });
  }
  async function send(values: Values) {
    const headers = { "idempotency-key": key };
    const { data } = await api.POST(MAILS, { ...inside, headers, body: mailsOf(values) });
    await refresh(MAILS);
    const number = data?.mails.length ?? 0;
    say(number === 1 ? "The mail is on its way" : `${number} mails are on their way`);
    navigate(`/o/${id}`);
  }
  return (
    <div className="columns">
      <Section title="Write">
        <Form label="Write a mail" submit="Send" onSubmit={send} blames={{ mail_limit: "recipients" }}>
          <Select
            label="Template"
            name="template"
            defaultValue={first}
            onChange={(event) => choose(event.target.value)}
            choices={[
              { value: "", label: "None" },
              ...templates.map((template) => ({ value: template.id, label: template.name })),
            ]}
          />
          <Editor draft={draft} onChange={setDraft} />
        </Form>
      </Section>
      <Section title="Preview">
        <Preview draft={draft} />
      </Section>
    </div>
  );
}

export default function ComposePage() {
  const query = queries.useQuery("get", TEMPLATES, useInside());
  const first = new URLSearchParams(useSearch()).get("template") ?? "";
  return (
    <Page title="Write a mail">
      <Loaded query={query} rows={10}>
        {(templates) => <Composition templates={templates} first={first} />}
      </Loaded>
    </Page>
  );
}
