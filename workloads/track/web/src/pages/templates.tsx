import { useState } from "react";
import { Link } from "wouter";

import { api, queries } from "../api/client.ts";
import { useRefresh } from "../api/cache.ts";
import type { Template } from "../api/schema.ts";
import { useInside, useOrganisation } from "../organisation.ts";
import { Confirm } from "../ui/dialog.tsx";
import { Field, Form, TextArea, type Values } from "../ui/form.tsx";
import { Loaded, Page, Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Moment } from "../ui/time.tsx";
import { useToast } from "../ui/toast.tsx";

const TEMPLATES = "/api/organisations/{organisation}/templates";

type EditorProps = { readonly template: Template | undefined; readonly onDone: () => void };

function Editor({ template, onDone }: EditorProps) {
  const inside = useInside();
  const refresh = useRefresh();
  const say = useToast();
  async function save(values: Values) {
    const body = { name: values("name"), subject: values("subject"), html: values("html"), text: "" };
    if (template === undefined) {
      await api.POST(TEMPLATES, { ...inside, body });
    } else {
      const path = { ...inside.params.path, template: template.id };
      await api.PUT(`${TEMPLATES}/{template}`, { params: { path }, body });
    }
    await refresh(TEMPLATES);
    say(`${body.name} is saved`);
    onDone();
  }
  const title = template === undefined ? "New template" : `Change ${template.name}`;
  return (
    <Section title={title}>
      <Form
        label={title}
        submit="Save template"
        onSubmit={save}
        resets
        blames={{ name_taken: "name" }}
        secondary={
          template === undefined ? null : (
            <button type="button" onClick={onDone}>
              Cancel
            </button>
          )
        }
      >
        <Field label="Name" name="name" required maxLength={120} defaultValue={template?.name} />
        <Field label="Subject" name="subject" required defaultValue={template?.subject} />
        <TextArea
          label="HTML"
          name="html"
          required
          defaultValue={template?.html}
          hint={
            <>
              Names in braces are filled in for each recipient: <code>{"{{ name }}"}</code>
            </>
          }
        />
      </Form>
    </Section>
  );
}

function Deletion({ template, onClose }: { readonly template: Template; readonly onClose: () => void }) {
  const inside = useInside();
  const refresh = useRefresh();
  async function remove() {
    const path = { ...inside.params.path, template: template.id };
    await api.DELETE(`${TEMPLATES}/{template}`, { params: { path } });
    await refresh(TEMPLATES);
  }
  return (
    <Confirm title={`Delete ${template.name}?`} action="Delete" onConfirm={remove} onClose={onClose}>
      <p>Mails that were written with it are sent all the same.</p>
    </Confirm>
  );
}

export default function TemplatesPage() {
  const { id } = useOrganisation();
  const query = queries.useQuery("get", TEMPLATES, useInside());
  const [editing, setEditing] = useState<Template>();
  const [deleting, setDeleting] = useState<Template>();
  const actions = (template: Template) => (
    <div className="actions">
      <Link href={`/o/${id}/compose?template=${template.id}`} aria-label={`Write with ${template.name}`}>
        Write
      </Link>
      <button type="button" className="small" aria-label={`Change ${template.name}`} onClick={() => setEditing(template)}>
        Change
      </button>
      <button type="button" className="small" aria-label={`Delete ${template.name}`} onClick={() => setDeleting(template)}>
        Delete
      </button>
    </div>
  );
  return (
    <Page title="Templates" lead="What your mails say, with names that are filled in for each recipient.">
      <Section title="Templates">
        <Loaded query={query}>
          {(templates) => (
            <Table
              caption="Templates"
              rows={templates}
              rowKey={(template) => template.id}
              empty="There is no template yet."
              columns={[
                { name: "Name", cell: (template) => template.name },
                { name: "Subject", cell: (template) => template.subject },
                { name: "Version", numeric: true, cell: (template) => template.version },
                { name: "Changed", cell: (template) => <Moment at={template.updated_at} /> },
                { name: "Actions", cell: actions },
              ]}
            />
          )}
        </Loaded>
      </Section>
      <Editor key={editing?.id ?? "new"} template={editing} onDone={() => setEditing(undefined)} />
      {deleting === undefined ? null : <Deletion template={deleting} onClose={() => setDeleting(undefined)} />}
    </Page>
  );
}
