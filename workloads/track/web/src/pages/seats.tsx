import { queries } from "../api/client.ts";
import type { Subscription } from "../api/schema.ts";
import { useInside } from "../organisation.ts";
import { count } from "../ui/format.ts";
import { Loaded } from "../ui/page.tsx";

export const BILLING = "/api/organisations/{organisation}/billing";

/** What was bought, within the limits that hold now. */
export function seatsOf({ seats, limits }: Subscription): number {
  return Math.min(Math.max(seats, limits.seats_included), limits.seats_max);
}

function Usage({ id, label, used, most }: { readonly id: string; readonly label: string; readonly used: number; readonly most: number }) {
  return (
    <div className="field">
      <label htmlFor={id}>
        {count(used)} of {count(most)} {label}
      </label>
      <meter id={id} value={used} max={most} high={most * 0.9} optimum={0} />
    </div>
  );
}

export function SeatUsage({ subscription }: { readonly subscription: Subscription }) {
  return <Usage id="seats" label="seats are taken" used={subscription.seats_used} most={seatsOf(subscription)} />;
}

export function MailUsage({ subscription }: { readonly subscription: Subscription }) {
  const { mails_used: used, limits } = subscription;
  return <Usage id="mails" label="mails of this month are written" used={used} most={limits.mails_per_month} />;
}

export function Seats() {
  const subscription = queries.useQuery("get", BILLING, useInside());
  return (
    <Loaded query={subscription} rows={1}>
      {(data) => <SeatUsage subscription={data} />}
    </Loaded>
  );
}
