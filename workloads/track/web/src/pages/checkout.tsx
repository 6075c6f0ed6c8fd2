import { Link, useLocation, useParams } from "wouter";

import { api, queries } from "../api/client.ts";
import { lastOrganisation } from "../organisation.ts";
import { EntrancePage } from "../ui/entrance.tsx";
import { Form, Select, type Values } from "../ui/form.tsx";
import { money } from "../ui/format.ts";
import { Loaded } from "../ui/page.tsx";

const CARDS = [
  { value: "paid", label: "A test card that is accepted" },
  { value: "declined", label: "A test card that is declined" },
] as const;

/** The payment provider's page of `rung dev`. No money moves; elsewhere there is Stripe's own page. */
export default function CheckoutPage() {
  const { checkout = "" } = useParams<{ readonly checkout: string }>();
  const [, navigate] = useLocation();
  const params = { path: { checkout } };
  const query = queries.useQuery("get", "/api/local-billing/{checkout}", { params });
  const back = `/o/${lastOrganisation()}/plan`;
  async function pay(values: Values) {
    const outcome = values("card") === "paid" ? "paid" : "declined";
    await api.POST("/api/local-billing/{checkout}/pay", { params, body: { outcome } });
    navigate(back);
  }
  return (
    <EntrancePage title="Payment" lead="Play money: this page stands in for the payment provider on your own machine.">
      <Loaded query={query}>
        {(found) => (
          <>
            <dl className="facts">
              <dt>Plan</dt>
              <dd>{found.plan}</dd>
              <dt>Seats</dt>
              <dd>{found.seats}</dd>
              <dt>A month</dt>
              <dd>{money(found.amount_minor, found.currency)}</dd>
            </dl>
            <Form label="Payment" submit="Pay" onSubmit={pay} blames={{ card_declined: "card" }}>
              <Select label="Card" name="card" choices={CARDS} />
            </Form>
          </>
        )}
      </Loaded>
      <p>
        <Link href={back}>Back without paying</Link>
      </p>
    </EntrancePage>
  );
}
