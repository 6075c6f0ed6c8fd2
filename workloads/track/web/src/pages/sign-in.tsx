import { useState } from "react";
import { Link, useSearch } from "wouter";

import { api } from "../api/client.ts";
import { useSessionChanged } from "../session.ts";
import { EntrancePage } from "../ui/entrance.tsx";
import { Field, Form, type Values } from "../ui/form.tsx";
import { continuation } from "../ui/links.ts";
import { ProviderButtons } from "./provider.tsx";

/** The second step, for who has a second factor. */
export function CodeForm({ challenge, onSignedIn }: { readonly challenge: string; readonly onSignedIn: () => unknown }) {
  async function send(values: Values) {
    await api.POST("/api/sign-in/code", { body: { challenge, code: values("code") } });
    await onSignedIn();
  }
  return (
    <Form label="Second factor" submit="Go on" onSubmit={send} blames={{ wrong_code: "code" }}>
      <Field
        label="Code"
        name="code"
        required
        autoComplete="one-time-code"
        hint="Six digits from your authenticator application, or a recovery code."
      />
    </Form>
  );
}

function PasswordForm({ onChallenge }: { readonly onChallenge: (challenge: string) => void }) {
  const sessionChanged = useSessionChanged();
  async function send(values: Values) {
    const body = { email: values("email"), password: values("password") };
    const { data } = await api.POST("/api/sign-in", { body });
    if (data?.challenge == null) await sessionChanged();
    else onChallenge(data.challenge);
  }
  return (
    <Form label="Sign in" submit="Sign in" onSubmit={send} blames={{ wrong_credentials: "password" }}>
      <Field label="E-mail" name="email" type="email" autoComplete="username" required />
      <Field label="Password" name="password" type="password" autoComplete="current-password" required />
    </Form>
  );
}

function LinkForm() {
  const [sent, setSent] = useState(false);
  if (sent) return <output>If there is such an account, a link is on its way. It works once.</output>;
  async function send(values: Values) {
    await api.POST("/api/sign-in/link", { body: { email: values("email") } });
    setSent(true);
  }
  return (
    <Form label="Sign in without a password" submit="Send me a link" onSubmit={send}>
      <Field label="E-mail for the link" name="email" type="email" autoComplete="username" required />
    </Form>
  );
}

export function SignInPage() {
  const [challenge, setChallenge] = useState("");
  const sessionChanged = useSessionChanged();
  const search = useSearch();
  if (challenge !== "") {
    return (
      <EntrancePage title="One step more">
        <CodeForm challenge={challenge} onSignedIn={sessionChanged} />
      </EntrancePage>
    );
  }
  return (
    <EntrancePage title="Sign in">
      <PasswordForm onChallenge={setChallenge} />
      <ProviderButtons next={continuation(search)} />
      <p>
        New here? <Link href={search === "" ? "/sign-up" : `/sign-up?${search}`}>Create an account</Link>
      </p>
      <details>
        <summary>Sign in without a password</summary>
        <LinkForm />
      </details>
    </EntrancePage>
  );
}
