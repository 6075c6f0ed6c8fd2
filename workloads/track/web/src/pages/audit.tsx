import { queries } from "../api/client.ts";
import type { AuditEntry } from "../api/schema.ts";
import { useInside } from "../organisation.ts";
import { Loaded, Page, Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Moment } from "../ui/time.tsx";

const AUDIT = "/api/organisations/{organisation}/audit";

function detailOf(entry: AuditEntry): string {
  return Object.entries(entry.detail)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

export default function AuditPage() {
  const inside = useInside();
  const query = queries.useInfiniteQuery("get", AUDIT, inside, {
    pageParamName: "after",
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
  });
  return (
    <Page title="Audit log" lead="Who did what. Nobody can change what is written here.">
      <Section title="Entries">
        <Loaded query={query} rows={8}>
          {({ pages }) => (
            <>
              <Table
                caption="Audit log"
                rows={pages.flatMap((page) => page.items)}
                rowKey={(entry) => entry.id}
                empty="Nothing has happened yet."
                columns={[
                  { name: "Action", cell: (entry) => <code>{entry.action}</code> },
                  { name: "Who", cell: (entry) => entry.actor },
                  { name: "What", cell: (entry) => entry.subject },
                  { name: "Detail", cell: detailOf },
                  { name: "When", cell: (entry) => <Moment at={entry.at} /> },
                ]}
              />
              {query.hasNextPage ? (
                <button type="button" aria-disabled={query.isFetching} onClick={() => void query.fetchNextPage()}>
                  Show older
                </button>
              ) : null}
            </>
          )}
        </Loaded>
      </Section>
    </Page>
  );
}
