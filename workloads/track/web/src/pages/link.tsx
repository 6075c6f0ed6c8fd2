import { useState } from "react";
import { Link, useLocation } from "wouter";

import { api } from "../api/client.ts";
import { useSessionChanged } from "../session.ts";
import { useFragment } from "../ui/fragment.ts";
import { EntrancePage } from "../ui/entrance.tsx";
import { Form } from "../ui/form.tsx";
import { CodeForm } from "./sign-in.tsx";

/** Where the mailed link leads. A button redeems it: what merely looks at links, as mail scanners do, uses none up. */
export function LinkPage() {
  const token = useFragment();
  const [challenge, setChallenge] = useState("");
  const [, navigate] = useLocation();
  const sessionChanged = useSessionChanged();
  async function enter() {
    await sessionChanged();
    navigate("/", { replace: true });
  }
  async function redeem() {
    const { data } = await api.POST("/api/sign-in/link/redeem", { body: { token } });
    if (data?.challenge == null) await enter();
    else setChallenge(data.challenge);
  }
  if (challenge !== "") {
    return (
      <EntrancePage title="One step more">
        <CodeForm challenge={challenge} onSignedIn={enter} />
      </EntrancePage>
    );
  }
  return (
    <EntrancePage title="Sign in by link" lead="The link works once, for a quarter of an hour.">
      <Form label="Sign in by link" submit="Sign in" onSubmit={redeem} />
      <p>
        <Link href="/sign-in">Sign in another way</Link>
      </p>
    </EntrancePage>
  );
}
