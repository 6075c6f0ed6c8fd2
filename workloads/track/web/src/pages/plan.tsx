import { useState } from "react";

import { queries } from "../api/client.ts";
import type { Plan, Subscription } from "../api/schema.ts";
import { useInside, useMay } from "../organisation.ts";
import { count, day, money } from "../ui/format.ts";
import { Badge, Loaded, Page, Section, type Tone } from "../ui/page.tsx";
import { Cancellation, isPaying, PlanChange } from "./plan-change.tsx";
import { BILLING, MailUsage, SeatUsage } from "./seats.tsx";

/** What the payment provider says comes by an event, a moment after it was asked. */
const AGAIN_MS = 1_500;

const TONES: Record<Subscription["status"], Tone> = {
  trialing: "plain",
  active: "good",
  past_due: "warn",
  unpaid: "bad",
  canceled: "plain",
  incomplete: "warn",
};

function sentence(subscription: Subscription): string {
  const end = day(subscription.period_end);
  if (subscription.cancel_at_period_end) return `Ends on ${end}; then the free plan.`;
  if (subscription.status === "trialing") return `The trial ends on ${end}.`;
  if (subscription.status === "past_due") return "The last payment failed. It is tried again for a few days.";
  if (subscription.status === "active") return `Renewed on ${end}.`;
  return "The limits of the free plan hold.";
}

function Now({ subscription }: { readonly subscription: Subscription }) {
  return (
    <Section title="Now">
      <p>
        <strong>{subscription.limits.title}</strong> <Badge tone={TONES[subscription.status]}>{subscription.status}</Badge>{" "}
        {sentence(subscription)}
      </p>
      <SeatUsage subscription={subscription} />
      <MailUsage subscription={subscription} />
    </Section>
  );
}

type PlansProps = { readonly plans: readonly Plan[]; readonly subscription: Subscription };

function Plans({ plans, subscription }: PlansProps) {
  const mayChange = useMay("owner");
  const [chosen, choose] = useState<Plan>();
  const current = subscription.limits.name;
  const isOffered = (plan: Plan) =>
    plan.name === "free" ? isPaying(subscription) && !subscription.cancel_at_period_end : true;
  return (
    <>
      <ul className="plans">
        {plans.map((plan) => (
          <li key={plan.name} data-current={plan.name === current ? "" : undefined}>
            <h2>{plan.title}</h2>
            <p className="price">{money(plan.price_minor, plan.currency)}</p>
            <p className="hint">a seat and month</p>
            <ul>
              <li>up to {count(plan.seats_max)} seats</li>
              <li>{count(plan.mails_per_month)} mails a month</li>
              <li>{count(plan.mails_per_minute)} mails a minute</li>
            </ul>
            {mayChange && isOffered(plan) ? (
              <button type="button" onClick={() => choose(plan)}>
                {plan.name === current && isPaying(subscription) ? "Change seats" : `Choose ${plan.title}`}
              </button>
            ) : null}
          </li>
        ))}
      </ul>
      {chosen === undefined ? null : chosen.name === "free" ? (
        <Cancellation until={day(subscription.period_end)} onClose={() => choose(undefined)} />
      ) : (
        <PlanChange plan={chosen} subscription={subscription} onClose={() => choose(undefined)} />
      )}
    </>
  );
}

export default function PlanPage() {
  const plans = queries.useQuery("get", "/api/plans");
  const billing = queries.useQuery("get", BILLING, useInside(), { refetchInterval: AGAIN_MS });
  return (
    <Page title="Plan" lead="What you pay for, and how much of it is used.">
      <Loaded query={billing} rows={6}>
        {(subscription) => (
          <>
            <Now subscription={subscription} />
            <Loaded query={plans}>{(all) => <Plans plans={all} subscription={subscription} />}</Loaded>
          </>
        )}
      </Loaded>
    </Page>
  );
}
