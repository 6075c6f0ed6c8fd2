import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";

import { api } from "../api/client.ts";
import { useRefresh } from "../api/cache.ts";
import { messageOf } from "../api/problem.ts";
import type { Plan, Subscription } from "../api/schema.ts";
import { useInside } from "../organisation.ts";
import { Dialog } from "../ui/dialog.tsx";
import { Field, Form, type Values } from "../ui/form.tsx";
import { money } from "../ui/format.ts";
import { ownPath } from "../ui/links.ts";
import { useSettled } from "../ui/settled.ts";
import { useToast } from "../ui/toast.tsx";
import { BILLING } from "./seats.tsx";

type Choice = { readonly plan: Plan["name"]; readonly seats: number };

/** What the choice costs, now and each month, as the server reckons it. */
function Price({ choice }: { readonly choice: Choice }) {
  const inside = useInside();
  const settled = useSettled(choice);
  const price = useQuery({
    queryKey: ["price", inside, settled],
    queryFn: async () => (await api.POST(`${BILLING}/preview`, { ...inside, body: settled })).data ?? null,
    placeholderData: keepPreviousData,
  });
  if (price.error !== null) return <p className="notice warn">{messageOf(price.error)}</p>;
  if (price.data == null) return <p className="price-preview" />;
  const { now_minor: now, monthly_minor: monthly, currency } = price.data;
  return (
    <p className="price-preview">
      {now < 0 ? `${money(-now, currency)} are credited` : `${money(now, currency)} now`}, then{" "}
      {money(monthly, currency)} a month before tax.
    </p>
  );
}

type ChangeProps = { readonly plan: Plan; readonly subscription: Subscription; readonly onClose: () => void };

/** Whether there is a subscription that is paid for: it is changed, where a first one is paid at the provider's. */
export function isPaying({ status }: Subscription): boolean {
  return status === "active" || status === "past_due";
}

export function PlanChange({ plan, subscription, onClose }: ChangeProps) {
  const inside = useInside();
  const [, navigate] = useLocation();
  const refresh = useRefresh();
  const say = useToast();
  const [seats, setSeats] = useState(Math.min(Math.max(subscription.seats, subscription.seats_used), plan.seats_max));
  async function pay(body: Choice) {
    const { data } = await api.POST(`${BILLING}/checkout`, { ...inside, body });
    if (data === undefined) return;
    const own = ownPath(data.url);
    if (own === undefined) window.location.assign(data.url);
    else navigate(own);
  }
  async function confirm(values: Values) {
    const body: Choice = { plan: plan.name, seats: Number(values("seats")) };
    if (!isPaying(subscription)) return pay(body);
    await api.POST(`${BILLING}/change`, { ...inside, body });
    await refresh(BILLING);
    say(`You asked for ${plan.title} with ${body.seats} seats`);
    return onClose();
  }
  return (
    <Dialog title={plan.title} onClose={onClose}>
      <Form
        label={plan.title}
        submit={isPaying(subscription) ? "Change the plan" : "Go to payment"}
        onSubmit={confirm}
        blames={{ seats_in_use: "seats" }}
        secondary={
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        }
      >
        <Field
          label="Seats"
          name="seats"
          type="number"
          min={1}
          max={plan.seats_max}
          required
          value={seats}
          onChange={(event) => setSeats(Number(event.target.value))}
        />
        {seats >= 1 && seats <= plan.seats_max ? <Price choice={{ plan: plan.name, seats }} /> : null}
      </Form>
    </Dialog>
  );
}

export function Cancellation({ until, onClose }: { readonly until: string; readonly onClose: () => void }) {
  const inside = useInside();
  const refresh = useRefresh();
  const say = useToast();
  async function cancel() {
    await api.POST(`${BILLING}/cancel`, inside);
    await refresh(BILLING);
    say("The subscription ends with its period");
    onClose();
  }
  return (
    <Dialog title="Back to the free plan?" onClose={onClose}>
      <Form
        label="Back to the free plan?"
        submit="End the subscription"
        danger
        onSubmit={cancel}
        secondary={
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        }
      >
        <p>Everything stays as it is until {until}. Then the limits of the free plan hold.</p>
      </Form>
    </Dialog>
  );
}
