import { api, queries } from "../api/client.ts";
import { useRefresh } from "../api/cache.ts";
import type { Organisation } from "../api/schema.ts";
import { useInside, useMay } from "../organisation.ts";
import { useSessionChanged } from "../session.ts";
import { Field, Form, TextArea, type Values } from "../ui/form.tsx";
import { Loaded, Page, Section } from "../ui/page.tsx";
import { useToast } from "../ui/toast.tsx";
import { Privacy } from "./privacy.tsx";
import { Residency } from "./residency.tsx";

const ORGANISATION = "/api/organisations/{organisation}";

function Branding({ organisation }: { readonly organisation: Organisation }) {
  const inside = useInside();
  const refresh = useRefresh();
  const sessionChanged = useSessionChanged();
  const say = useToast();
  async function save(values: Values) {
    const body = {
      name: values("name"),
      sender_name: values("sender_name"),
      sender_address: values("sender_address"),
      reply_to: values("reply_to"),
      accent: values("accent"),
      logo_url: values("logo_url"),
      postal_address: values("postal_address"),
    };
    await api.PATCH(ORGANISATION, { ...inside, body });
    await refresh(ORGANISATION);
    await sessionChanged();
    say("The settings are saved");
  }
  return (
    <Form label="Name and branding" submit="Save" onSubmit={save}>
      <Field label="Name" name="name" required maxLength={120} defaultValue={organisation.name} />
      <Field label="Sender's name" name="sender_name" defaultValue={organisation.sender_name} />
      <Field label="Sender's address" name="sender_address" type="email" defaultValue={organisation.sender_address} />
      <Field label="Answers go to" name="reply_to" type="email" defaultValue={organisation.reply_to} />
      <Field label="Colour" name="accent" type="color" defaultValue={organisation.accent} />
      <Field
        label="Logo"
        name="logo_url"
        type="url"
        defaultValue={organisation.logo_url}
        hint="An address that begins with https://"
      />
      <TextArea label="Postal address" name="postal_address" rows={3} defaultValue={organisation.postal_address} />
    </Form>
  );
}

export default function SettingsPage() {
  const query = queries.useQuery("get", ORGANISATION, useInside());
  const mayChange = useMay("admin");
  return (
    <Page title="Settings" lead="What every mail of the organisation looks like.">
      <Section title="Name and branding">
        <Loaded query={query} rows={8}>
          {(organisation) =>
            mayChange ? <Branding organisation={organisation} /> : <p>Only an admin changes these.</p>
          }
        </Loaded>
      </Section>
      <Residency />
      <Privacy />
    </Page>
  );
}
