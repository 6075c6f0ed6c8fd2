import { api, queries } from "../api/client.ts";
import { useRefresh } from "../api/cache.ts";
import type { Identity } from "../api/schema.ts";
import { Loaded, Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Moment } from "../ui/time.tsx";
import { useToast } from "../ui/toast.tsx";
import { ProviderButtons } from "./provider.tsx";

const IDENTITIES = "/api/identities";

/** The providers that the account may be entered with. */
export function Identities() {
  const query = queries.useQuery("get", IDENTITIES);
  const refresh = useRefresh();
  const say = useToast();
  async function remove({ provider }: Identity) {
    await api.DELETE(`${IDENTITIES}/{provider}`, { params: { path: { provider } } });
    await refresh(IDENTITIES);
    say("The provider is removed");
  }
  return (
    <Section title="Other ways to sign in">
      <Loaded query={query}>
        {(identities) => (
          <>
            <Table
              caption="Providers"
              rows={identities}
              rowKey={(identity) => identity.provider}
              empty="None yet."
              columns={[
                { name: "Provider", cell: (identity) => identity.provider },
                { name: "As", cell: (identity) => identity.email },
                { name: "Last used", cell: (identity) => <Moment at={identity.used_at} /> },
                {
                  name: "Change",
                  cell: (identity) => (
                    <button type="button" className="small" onClick={() => void remove(identity)}>
                      Remove
                    </button>
                  ),
                },
              ]}
            />
            <ProviderButtons next="/account" />
          </>
        )}
      </Loaded>
    </Section>
  );
}
