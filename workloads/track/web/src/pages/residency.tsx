import { queries } from "../api/client.ts";
import type { ResidencyState } from "../api/schema.ts";
import { useInside } from "../organisation.ts";
import { residencyText } from "../residency.ts";
import { Badge, Loaded, Section } from "../ui/page.tsx";

const TONES = { kept: "good", broken: "bad", unknown: "warn" } as const satisfies Record<
  ResidencyState["state"],
  string
>;

/** Where the organisation's data may be and is, also where nothing enforces it. */
export function Residency() {
  const query = queries.useQuery("get", "/api/organisations/{organisation}/residency", useInside());
  return (
    <Section title="Where the data is">
      <Loaded query={query}>
        {(residency) => (
          <p>
            <Badge tone={TONES[residency.state]}>{residency.state}</Badge> {residencyText(residency)}
          </p>
        )}
      </Loaded>
    </Section>
  );
}
