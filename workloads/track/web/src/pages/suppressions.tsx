import { api, queries } from "../api/client.ts";
import { useOptimistic, useRefresh } from "../api/cache.ts";
import type { SuppressionPage } from "../api/schema.ts";
import { useInside } from "../organisation.ts";
import { Field, Form, type Values } from "../ui/form.tsx";
import { Badge, Loaded, Page, Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Moment } from "../ui/time.tsx";
import { useToast } from "../ui/toast.tsx";

const SUPPRESSIONS = "/api/organisations/{organisation}/suppressions";

function Add() {
  const inside = useInside();
  const refresh = useRefresh();
  const say = useToast();
  async function add(values: Values) {
    await api.POST(SUPPRESSIONS, { ...inside, body: { email: values("email") } });
    await refresh(SUPPRESSIONS);
    say(`${values("email")} is not written to any more`);
  }
  return (
    <Section title="Add an address">
      <Form label="Add an address" submit="Add" onSubmit={add} resets inline>
        <Field label="E-mail" name="email" type="email" required />
      </Form>
    </Section>
  );
}

export default function SuppressionsPage() {
  const inside = useInside();
  const query = queries.useQuery("get", SUPPRESSIONS, inside);
  const optimistic = useOptimistic();
  function remove(email: string) {
    const path = { ...inside.params.path, email };
    void optimistic<SuppressionPage>(
      queries.queryOptions("get", SUPPRESSIONS, inside).queryKey,
      (page) => ({ ...page, items: page.items.filter((one) => one.email !== email) }),
      () => api.DELETE(`${SUPPRESSIONS}/{email}`, { params: { path } }),
    );
  }
  return (
    <Page title="Suppressions" lead="Addresses that bounced, complained or unsubscribed. No mail of yours goes there.">
      <Add />
      <Section title="Addresses">
        <Loaded query={query}>
          {(page) => (
            <Table
              caption="Suppressed addresses"
              rows={page.items}
              rowKey={(one) => one.email}
              empty="Every address is written to."
              columns={[
                { name: "E-mail", cell: (one) => one.email },
                { name: "Why", cell: (one) => <Badge tone="plain">{one.reason}</Badge> },
                { name: "Since", cell: (one) => <Moment at={one.created_at} /> },
                {
                  name: "Change",
                  cell: (one) => (
                    <button
                      type="button"
                      className="small"
                      aria-label={`Write to ${one.email} again`}
                      onClick={() => remove(one.email)}
                    >
                      Remove
                    </button>
                  ),
                },
              ]}
            />
          )}
        </Loaded>
      </Section>
    </Page>
  );
}
