import { api, queries } from "../api/client.ts";
import { useOptimistic } from "../api/cache.ts";
import type { WebhookDelivery, WebhookEndpoint } from "../api/schema.ts";
import { useInside } from "../organisation.ts";
import { Badge, Loaded, Section, type Tone } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Moment } from "../ui/time.tsx";

const DELIVERIES = "/api/organisations/{organisation}/webhooks/{webhook}/deliveries";
const RESEND = "/api/organisations/{organisation}/deliveries/{delivery}/resend";
const AGAIN_MS = 2_000;
const TONES: Record<WebhookDelivery["status"], Tone> = {
  pending: "plain",
  succeeded: "good",
  failed: "bad",
  cancelled: "warn",
};

function lastAttempt({ attempts }: WebhookDelivery): string {
  const last = attempts.at(-1);
  if (last === undefined) return "not tried yet";
  const outcome = last.error ?? `answered ${last.status ?? "nothing"}`;
  return `${outcome}, ${Math.round(last.duration_ms)} ms, attempt ${last.number}`;
}

/** What was sent to an endpoint, with a way to send it again. */
export function DeliveryLog({ endpoint }: { readonly endpoint: WebhookEndpoint }) {
  const { organisation } = useInside().params.path;
  const inside = { params: { path: { organisation, webhook: endpoint.id } } };
  const query = queries.useQuery("get", DELIVERIES, inside, { refetchInterval: AGAIN_MS });
  const optimistic = useOptimistic();
  function resend(delivery: WebhookDelivery) {
    void optimistic<readonly WebhookDelivery[]>(
      queries.queryOptions("get", DELIVERIES, inside).queryKey,
      (shown) => shown.map((one) => (one.id === delivery.id ? { ...one, status: "pending" } : one)),
      () => api.POST(RESEND, { params: { path: { organisation, delivery: delivery.id } } }),
    );
  }
  return (
    <Section title={`Deliveries to ${endpoint.url}`}>
      <Loaded query={query}>
        {(deliveries) => (
          <Table
            caption="Deliveries"
            rows={deliveries}
            rowKey={(delivery) => delivery.id}
            empty="Nothing was sent there yet."
            columns={[
              { name: "Event", cell: (delivery) => <code>{delivery.kind}</code> },
              { name: "State", cell: ({ status }) => <Badge tone={TONES[status]}>{status}</Badge> },
              { name: "Last attempt", cell: lastAttempt },
              { name: "Next", cell: (delivery) => <Moment at={delivery.next_at} /> },
              { name: "Since", cell: (delivery) => <Moment at={delivery.created_at} /> },
              {
                name: "Change",
                cell: (delivery) => (
                  <button
                    type="button"
                    className="small"
                    aria-label={`Send ${delivery.kind} again`}
                    onClick={() => resend(delivery)}
                  >
                    Send again
                  </button>
                ),
              },
            ]}
          />
        )}
      </Loaded>
    </Section>
  );
}
