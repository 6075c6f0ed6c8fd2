import { useLocation } from "wouter";

import { api } from "../api/client.ts";
import { useSessionChanged } from "../session.ts";
import { Field, Form, type Values } from "../ui/form.tsx";
import { Page } from "../ui/page.tsx";

export function NewOrganisationPage() {
  const [, navigate] = useLocation();
  const sessionChanged = useSessionChanged();
  async function create(values: Values) {
    const { data } = await api.POST("/api/organisations", { body: { name: values("name") } });
    await sessionChanged();
    if (data !== undefined) navigate(`/o/${data.id}`);
  }
  return (
    <Page title="Your organisation" lead="Mails, members and the plan belong to an organisation.">
      <section className="card">
        <Form label="New organisation" submit="Create organisation" onSubmit={create}>
          <Field label="Name" name="name" required maxLength={120} autoComplete="organization" />
        </Form>
      </section>
    </Page>
  );
}
