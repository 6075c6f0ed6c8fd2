import { useState } from "react";

import { api, queries } from "../api/client.ts";
import { useRefresh } from "../api/cache.ts";
import type { ApiKey } from "../api/schema.ts";
import { useInside } from "../organisation.ts";
import { Confirm } from "../ui/dialog.tsx";
import { Checkbox, Field, Form, type Values } from "../ui/form.tsx";
import { count } from "../ui/format.ts";
import { Once } from "../ui/once.tsx";
import { Loaded, Page, Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Moment } from "../ui/time.tsx";

const KEYS = "/api/organisations/{organisation}/keys";
const SCOPES: readonly ApiKey["scopes"][number][] = [
  "mails:read",
  "mails:write",
  "templates:read",
  "templates:write",
  "suppressions:read",
  "suppressions:write",
];

function NewKey({ onMade }: { readonly onMade: (secret: string) => void }) {
  const inside = useInside();
  const refresh = useRefresh();
  async function create(values: Values) {
    const body = {
      name: values("name"),
      scopes: SCOPES.filter((scope) => values(scope) !== ""),
      per_minute: Number(values("per_minute")),
    };
    const { data } = await api.POST(KEYS, { ...inside, body });
    await refresh(KEYS);
    if (data !== undefined) onMade(data.secret);
  }
  return (
    <Section title="New key">
      <Form label="New key" submit="Create key" onSubmit={create} resets>
        <div className="columns">
          <div>
            <Field label="Name" name="name" required maxLength={80} hint="Where it is used." />
            <Field
              label="Requests a minute"
              name="per_minute"
              type="number"
              min={1}
              max={60_000}
              defaultValue={600}
              required
            />
          </div>
          <fieldset>
            <legend>It may</legend>
            {SCOPES.map((scope) => (
              <Checkbox key={scope} label={scope} name={scope} defaultChecked={scope === "mails:write"} />
            ))}
          </fieldset>
        </div>
      </Form>
    </Section>
  );
}

function Revocation({ apiKey, onClose }: { readonly apiKey: ApiKey; readonly onClose: () => void }) {
  const inside = useInside();
  const refresh = useRefresh();
  async function revoke() {
    await api.DELETE(`${KEYS}/{key}`, { params: { path: { ...inside.params.path, key: apiKey.id } } });
    await refresh(KEYS);
  }
  return (
    <Confirm title={`Revoke ${apiKey.name}?`} action="Revoke" onConfirm={revoke} onClose={onClose}>
      <p>Whatever uses this key is refused from now on.</p>
    </Confirm>
  );
}

export default function KeysPage() {
  const query = queries.useQuery("get", KEYS, useInside());
  const [secret, setSecret] = useState("");
  const [revoking, setRevoking] = useState<ApiKey>();
  return (
    <Page title="API keys" lead="For programs that send on behalf of your organisation.">
      <NewKey onMade={setSecret} />
      <Section title="Keys">
        <Loaded query={query}>
          {(keys) => (
            <Table
              caption="API keys"
              rows={keys}
              rowKey={(key) => key.id}
              empty="There is no key yet."
              columns={[
                { name: "Name", cell: (key) => key.name },
                { name: "Key", cell: (key) => <code>{key.prefix}</code> },
                { name: "May", cell: (key) => key.scopes.join(", ") },
                { name: "A minute", numeric: true, cell: (key) => count(key.per_minute) },
                { name: "Last used", cell: (key) => <Moment at={key.used_at} /> },
                {
                  name: "Change",
                  cell: (key) => (
                    <button
                      type="button"
                      className="small"
                      aria-label={`Revoke ${key.name}`}
                      onClick={() => setRevoking(key)}
                    >
                      Revoke
                    </button>
                  ),
                },
              ]}
            />
          )}
        </Loaded>
      </Section>
      {secret === "" ? null : (
        <Once title="Your new key" secret={secret} onClose={() => setSecret("")}>
          <p>Keep it now: it is not shown again.</p>
        </Once>
      )}
      {revoking === undefined ? null : <Revocation apiKey={revoking} onClose={() => setRevoking(undefined)} />}
    </Page>
  );
}
