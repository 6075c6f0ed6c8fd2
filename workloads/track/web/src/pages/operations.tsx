import { useState } from "react";

import { queries } from "../api/client.ts";
import type { OperationsReport } from "../api/schema.ts";
import { useInside } from "../organisation.ts";
import { Chart } from "../ui/chart.tsx";
import { count, duration } from "../ui/format.ts";
import { Loaded, Page, Section } from "../ui/page.tsx";
import { append, type Sample } from "../ui/series.ts";
import { Residency } from "./residency.tsx";

const AGAIN_MS = 2_000;
const OPERATIONS = "/api/organisations/{organisation}/operations";

type Series = {
  readonly title: string;
  readonly value: (report: OperationsReport) => number | null;
  readonly format: (value: number) => string;
};

const SERIES: readonly Series[] = [
  { title: "Queue depth", value: (report) => report.queue_ready, format: count },
  { title: "Mails that are due and wait", value: (report) => report.pending, format: count },
  { title: "Oldest that waits", value: (report) => report.oldest_pending_seconds, format: duration },
  { title: "Half are sent within", value: (report) => report.latency_p50_seconds, format: duration },
  { title: "99 of 100 are sent within", value: (report) => report.latency_p99_seconds, format: duration },
  { title: "Webhook deliveries that failed", value: (report) => report.webhook_failures, format: count },
];

type Measured = { readonly at: number; readonly report: OperationsReport };

/** The latest reports: what a page that is open has seen. */
function useHistory(report: OperationsReport, at: number): readonly Measured[] {
  const [seen, setSeen] = useState<readonly Measured[]>([{ at, report }]);
  if (seen.at(-1)?.at !== at) setSeen([...seen, { at, report }].slice(-120));
  return seen;
}

function samplesOf(history: readonly Measured[], { value }: Series): readonly Sample[] {
  return history.reduce<readonly Sample[]>((samples, { at, report }) => {
    const measured = value(report);
    return measured === null ? samples : append(samples, { at, value: measured });
  }, []);
}

function Figures({ report }: { readonly report: OperationsReport }) {
  const figures = [
    ["Sent in the last hour", count(report.sent_last_hour)],
    ["Failed in the last hour", count(report.failed_last_hour)],
    ["On their way", count(report.sending)],
    ["Dead letters", count(report.queue_dead)],
    ["Webhooks that fail", count(report.webhooks_failing)],
    ["Webhooks switched off", count(report.webhooks_disabled)],
  ] as const;
  return (
    <dl className="tiles">
      {figures.map(([name, figure]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{figure}</dd>
        </div>
      ))}
    </dl>
  );
}

function Charts({ report, at }: { readonly report: OperationsReport; readonly at: number }) {
  const history = useHistory(report, at);
  return (
    <div className="columns charts">
      {SERIES.map((series) => (
        <div key={series.title} className="card">
          <Chart title={series.title} samples={samplesOf(history, series)} format={series.format} />
        </div>
      ))}
    </div>
  );
}

export default function OperationsPage() {
  const query = queries.useQuery("get", OPERATIONS, useInside(), { refetchInterval: AGAIN_MS });
  return (
    <Page title="Operations" lead="How your mail is doing. Asked again every two seconds while this page is open.">
      <Loaded query={query} rows={10}>
        {(report) => (
          <>
            <Figures report={report} />
            <Residency />
            <Charts report={report} at={query.dataUpdatedAt} />
            <Section title="What the figures mean">
              <p>
                The queue is the whole platform&apos;s; everything else is of your organisation alone. Times are of the
                last hour, from the moment a mail was to be sent to the moment it was.
              </p>
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  );
}
