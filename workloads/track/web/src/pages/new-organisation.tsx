import { useLocation } from "wouter";

import { api } from "../api/client.ts";
import { useSessionChanged } from "../session.ts";
import { Field, Form, Select, type Values } from "../ui/form.tsx";
import { Page } from "../ui/page.tsx";

const REGIONS = [
  { value: "eu", label: "the European Union" },
  { value: "us", label: "the United States" },
] as const;

export function NewOrganisationPage() {
  const [, navigate] = useLocation();
  const sessionChanged = useSessionChanged();
  async function create(values: Values) {
    const residency = values("residency") === "us" ? "us" : "eu";
    const { data } = await api.POST("/api/organisations", { body: { name: values("name"), residency } });
    await sessionChanged();
    if (data !== undefined) navigate(`/o/${data.id}`);
  }
  return (
    <Page title="Your organisation" lead="Mails, members and the plan belong to an organisation.">
      <section className="card">
        <Form label="New organisation" submit="Create organisation" onSubmit={create} blames={{ region_unavailable: "residency" }}>
          <Field label="Name" name="name" required maxLength={120} autoComplete="organization" />
          <Select label="Data stays in" name="residency" choices={REGIONS} />
        </Form>
      </section>
    </Page>
  );
}
