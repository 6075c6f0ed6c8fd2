import { Link, useSearch } from "wouter";

import { api } from "../api/client.ts";
import { useSessionChanged } from "../session.ts";
import { EntrancePage } from "../ui/entrance.tsx";
import { Field, Form, type Values } from "../ui/form.tsx";

const PASSWORD_LENGTH_MIN = 10;

/** Who comes by an invitation joins that organisation; who does not may begin one at once. */
export function SignUpPage() {
  const sessionChanged = useSessionChanged();
  const search = useSearch();
  const given = new URLSearchParams(search);
  const isInvited = given.get("next")?.startsWith("/invitations") === true;
  async function send(values: Values) {
    const body = {
      name: values("name"),
      email: values("email"),
      password: values("password"),
      organisation: values("organisation") || null,
    };
    await api.POST("/api/sign-up", { body });
    await sessionChanged();
  }
  return (
    <EntrancePage title="Create an account" lead="Two weeks with everything, no card needed.">
      <Form label="Create an account" submit="Create account" onSubmit={send} blames={{ email_taken: "email" }}>
        <Field label="Name" name="name" autoComplete="name" required maxLength={120} />
        <Field
          label="E-mail"
          name="email"
          type="email"
          autoComplete="username"
          defaultValue={given.get("email") ?? ""}
          required
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="new-password"
          required
          minLength={PASSWORD_LENGTH_MIN}
          hint={`At least ${PASSWORD_LENGTH_MIN} characters. A sentence is easiest to remember.`}
        />
        {isInvited ? null : (
          <Field label="Organisation" name="organisation" autoComplete="organization" required maxLength={120} />
        )}
      </Form>
      <p>
        You have an account? <Link href={search === "" ? "/sign-in" : `/sign-in?${search}`}>Sign in</Link>
      </p>
    </EntrancePage>
  );
}
