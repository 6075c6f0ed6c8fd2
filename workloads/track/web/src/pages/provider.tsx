import { useState } from "react";
import { Link, useLocation, useParams, useSearch } from "wouter";

import { api, queries } from "../api/client.ts";
import { useSessionChanged } from "../session.ts";
import { EntrancePage } from "../ui/entrance.tsx";
import { Form } from "../ui/form.tsx";
import { ownPath } from "../ui/links.ts";
import { CodeForm } from "./sign-in.tsx";

const PROVIDERS = "/api/sign-in/providers";
/** Where to go on after the way to the provider and back; this tab alone knows. */
const NEXT = "track.next";

/** Goes to the provider. `next`: the path of ours to come back to. */
export async function goToProvider(provider: string, next: string): Promise<void> {
  const { data } = await api.POST(`${PROVIDERS}/{provider}`, { params: { path: { provider } } });
  if (data === undefined) return;
  window.sessionStorage.setItem(NEXT, next);
  window.location.assign(ownPath(data.url) ?? data.url);
}

/** One button for each provider; nothing where there is none. */
export function ProviderButtons({ next }: { readonly next: string }) {
  const query = queries.useQuery("get", PROVIDERS);
  return query.data?.map(({ name, title }) => (
    <Form key={name} label={title} submit={`Continue with ${title}`} onSubmit={() => goToProvider(name, next)} />
  ));
}

/** What the provider's address says. */
function answerOf(search: string) {
  const { state = "", code = "", error = "", iss = "" } = Object.fromEntries(new URLSearchParams(search));
  return { state, code, error, iss };
}

/** Where the provider sends the browser back to. A button goes on, so that every mistake has a place to be shown. */
export function ProviderPage() {
  const { provider } = useParams<{ provider: string }>();
  const [body] = useState(answerOf(useSearch()));
  const [challenge, setChallenge] = useState("");
  const [, navigate] = useLocation();
  const sessionChanged = useSessionChanged();
  async function enter() {
    await sessionChanged();
    const next = window.sessionStorage.getItem(NEXT) ?? "/";
    window.sessionStorage.removeItem(NEXT);
    navigate(next, { replace: true });
  }
  async function finish() {
    const { data } = await api.POST(`${PROVIDERS}/{provider}/finish`, { params: { path: { provider } }, body });
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
    <EntrancePage title="Welcome back" lead="The provider has answered. Go on to be signed in.">
      <Form label="Sign in with a provider" submit="Go on" onSubmit={finish} />
      <p>
        <Link href="/sign-in">Sign in another way</Link>
      </p>
    </EntrancePage>
  );
}
