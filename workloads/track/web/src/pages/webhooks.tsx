import { useState } from "react";

import { api, queries } from "../api/client.ts";
import { useOptimistic, useRefresh } from "../api/cache.ts";
import type { WebhookEndpoint } from "../api/schema.ts";
import { useInside } from "../organisation.ts";
import { Confirm } from "../ui/dialog.tsx";
import { Field, Form, Select, type Values } from "../ui/form.tsx";
import { Once } from "../ui/once.tsx";
import { Badge, Loaded, Page, Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { DeliveryLog } from "./deliveries.tsx";

const WEBHOOKS = "/api/organisations/{organisation}/webhooks";
const WEBHOOK = "/api/organisations/{organisation}/webhooks/{webhook}";
const SCHEMES = [
  { value: "hmac", label: "HMAC: one shared secret" },
  { value: "ed25519", label: "ed25519: we sign, you verify with a public key" },
] as const;

function NewEndpoint({ onMade }: { readonly onMade: (secret: string) => void }) {
  const inside = useInside();
  const refresh = useRefresh();
  async function create(values: Values) {
    const body = {
      url: values("url"),
      kinds: values("kinds").split(/[\s,]+/u).filter(Boolean),
      scheme: values("scheme") === "ed25519" ? ("ed25519" as const) : ("hmac" as const),
    };
    const { data } = await api.POST(WEBHOOKS, { ...inside, body });
    await refresh(WEBHOOKS);
    onMade(data?.secret ?? "");
  }
  return (
    <Section title="New endpoint">
      <Form label="New endpoint" submit="Add endpoint" onSubmit={create} resets blames={{ invalid: "url" }}>
        <Field label="Address" name="url" type="url" required placeholder="https://" />
        <Field
          label="Events"
          name="kinds"
          required
          defaultValue="*"
          hint="Kinds such as mail.bounced, or all of one sort: mail.*"
        />
        <Select label="Signature" name="scheme" choices={SCHEMES} />
      </Form>
    </Section>
  );
}

function EndpointState({ endpoint }: { readonly endpoint: WebhookEndpoint }) {
  if (endpoint.disabled_at !== null) return <Badge tone="bad">off</Badge>;
  if (endpoint.failing_since !== null) return <Badge tone="warn">failing</Badge>;
  return <Badge tone="good">on</Badge>;
}

type ActionsProps = {
  readonly endpoint: WebhookEndpoint;
  readonly onLog: () => void;
  readonly onSecret: (secret: string) => void;
  readonly onRemove: () => void;
};

function Actions({ endpoint, onLog, onSecret, onRemove }: ActionsProps) {
  const inside = useInside();
  const optimistic = useOptimistic();
  const params = { path: { ...inside.params.path, webhook: endpoint.id } };
  const isOff = endpoint.disabled_at !== null;
  function turn() {
    const disabled_at = isOff ? null : new Date().toISOString();
    void optimistic<readonly WebhookEndpoint[]>(
      queries.queryOptions("get", WEBHOOKS, inside).queryKey,
      (shown) => shown.map((one) => (one.id === endpoint.id ? { ...one, disabled_at } : one)),
      () => api.PATCH(WEBHOOK, { params, body: { enabled: isOff } }),
    );
  }
  async function rotate() {
    const { data } = await api.POST(`${WEBHOOK}/rotate`, { params });
    onSecret(data?.secret ?? "");
  }
  const buttons = [
    ["Deliveries", onLog],
    [isOff ? "Switch on" : "Switch off", turn],
    ["New secret", () => void rotate()],
    ["Remove", onRemove],
  ] as const;
  return (
    <div className="actions">
      {buttons.map(([name, act]) => (
        <button key={name} type="button" className="small" aria-label={`${name}: ${endpoint.url}`} onClick={act}>
          {name}
        </button>
      ))}
    </div>
  );
}

function Removal({ endpoint, onClose }: { readonly endpoint: WebhookEndpoint; readonly onClose: () => void }) {
  const inside = useInside();
  const refresh = useRefresh();
  async function remove() {
    await api.DELETE(WEBHOOK, { params: { path: { ...inside.params.path, webhook: endpoint.id } } });
    await refresh(WEBHOOKS);
  }
  return (
    <Confirm title="Remove this endpoint?" action="Remove" onConfirm={remove} onClose={onClose}>
      <p>{endpoint.url} hears of nothing any more, and its log is forgotten.</p>
    </Confirm>
  );
}

export default function WebhooksPage() {
  const query = queries.useQuery("get", WEBHOOKS, useInside());
  const [secret, setSecret] = useState("");
  const [log, setLog] = useState<WebhookEndpoint>();
  const [removing, setRemoving] = useState<WebhookEndpoint>();
  return (
    <Page title="Webhooks" lead="Your own systems hear of what happens, signed by the Standard Webhooks scheme.">
      <Section title="Endpoints">
        <Loaded query={query}>
          {(endpoints) => (
            <Table
              caption="Endpoints"
              rows={endpoints}
              rowKey={(endpoint) => endpoint.id}
              empty="Nobody is told yet."
              columns={[
                { name: "Address", cell: (endpoint) => endpoint.url },
                { name: "Events", cell: (endpoint) => endpoint.kinds.join(", ") },
                { name: "State", cell: (endpoint) => <EndpointState endpoint={endpoint} /> },
                {
                  name: "Actions",
                  cell: (endpoint) => (
                    <Actions
                      endpoint={endpoint}
                      onLog={() => setLog(endpoint)}
                      onSecret={setSecret}
                      onRemove={() => setRemoving(endpoint)}
                    />
                  ),
                },
              ]}
            />
          )}
        </Loaded>
      </Section>
      {log === undefined ? null : <DeliveryLog endpoint={log} />}
      <NewEndpoint onMade={setSecret} />
      {secret === "" ? null : (
        <Once title="The endpoint's secret" secret={secret} onClose={() => setSecret("")}>
          <p>Deliveries are verified with it. It is not shown again.</p>
        </Once>
      )}
      {removing === undefined ? null : <Removal endpoint={removing} onClose={() => setRemoving(undefined)} />}
    </Page>
  );
}
