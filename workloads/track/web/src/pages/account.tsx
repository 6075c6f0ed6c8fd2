import { useState } from "react";

import { api, queries } from "../api/client.ts";
import { useOptimistic } from "../api/cache.ts";
import { ProblemError } from "../api/problem.ts";
import type { SessionItem } from "../api/schema.ts";
import { useSessionChanged, type Session } from "../session.ts";
import { Confirm } from "../ui/dialog.tsx";
import { download } from "../ui/download.ts";
import { Field, Form, type Values } from "../ui/form.tsx";
import { Badge, Loaded, Page, Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Moment } from "../ui/time.tsx";
import { useToast } from "../ui/toast.tsx";
import { Identities } from "./identities.tsx";
import { SecondFactor } from "./second-factor.tsx";

function Profile({ name }: { readonly name: string }) {
  const sessionChanged = useSessionChanged();
  const say = useToast();
  async function save(values: Values) {
    await api.PATCH("/api/account", { body: { name: values("name") } });
    await sessionChanged();
    say("Your name is saved");
  }
  return (
    <Section title="Name">
      <Form label="Name" submit="Save name" onSubmit={save}>
        <Field label="Name" name="name" autoComplete="name" required maxLength={120} defaultValue={name} />
      </Form>
    </Section>
  );
}

function Password({ isSet }: { readonly isSet: boolean }) {
  const sessionChanged = useSessionChanged();
  const say = useToast();
  async function change(values: Values) {
    await api.PUT("/api/account/password", { body: { current: values("current"), new: values("new") } });
    await sessionChanged();
    say("Your password is changed, and you are signed out everywhere else");
  }
  return (
    <Section title="Password">
      <Form
        label="Password"
        submit={isSet ? "Change password" : "Set password"}
        onSubmit={change}
        resets
        blames={{ wrong_credentials: "current" }}
      >
        {isSet ? (
          <Field label="Current password" name="current" type="password" autoComplete="current-password" required />
        ) : null}
        <Field
          label="New password"
          name="new"
          type="password"
          autoComplete="new-password"
          required
          minLength={10}
          hint="At least 10 characters."
        />
      </Form>
    </Section>
  );
}

/** The browser and the system, as far as a user agent tells. */
function agentOf(session: SessionItem): string {
  const browser = /(Firefox|Edg|Chrome|Safari)\/\d+/u.exec(session.agent)?.[0].replace("/", " ") ?? "Unknown browser";
  const system = /Windows|Android|iPhone|Mac OS|Linux/u.exec(session.agent)?.[0];
  return system === undefined ? browser : `${browser} on ${system}`;
}

function Sessions() {
  const query = queries.useQuery("get", "/api/sessions");
  const optimistic = useOptimistic();
  const { queryKey } = queries.queryOptions("get", "/api/sessions");
  function end(session: SessionItem) {
    void optimistic<readonly SessionItem[]>(
      queryKey,
      (shown) => shown.filter((one) => one.id !== session.id),
      () => api.DELETE("/api/sessions/{session}", { params: { path: { session: session.id } } }),
    );
  }
  function endOthers() {
    void optimistic<readonly SessionItem[]>(
      queryKey,
      (shown) => shown.filter((one) => one.is_this_one),
      () => api.DELETE("/api/sessions"),
    );
  }
  const change = (session: SessionItem) =>
    session.is_this_one ? (
      <Badge tone="good">this one</Badge>
    ) : (
      <button type="button" className="small" onClick={() => end(session)}>
        Sign out there
      </button>
    );
  return (
    <Section title="Where you are signed in">
      <Loaded query={query}>
        {(sessions) => (
          <>
            <Table
              caption="Sessions"
              rows={sessions}
              rowKey={(session) => session.id}
              empty="Nowhere."
              columns={[
                { name: "Browser", cell: agentOf },
                { name: "Address", cell: (session) => session.address },
                { name: "Since", cell: (session) => <Moment at={session.created_at} /> },
                { name: "Last seen", cell: (session) => <Moment at={session.seen_at} /> },
                { name: "Change", cell: change },
              ]}
            />
            {sessions.length > 1 ? (
              <button type="button" onClick={endOthers}>
                Sign out everywhere else
              </button>
            ) : null}
          </>
        )}
      </Loaded>
    </Section>
  );
}

async function saveExport() {
  const { data } = await api.GET("/api/account/export");
  download("track-account.json", data);
}

function Privacy({ email }: { readonly email: string }) {
  const sessionChanged = useSessionChanged();
  const [erasing, setErasing] = useState(false);
  async function erase(values: Values) {
    if (values("email") !== email) {
      const mistake = `Type ${email}`;
      throw new ProblemError(422, "not_confirmed", mistake, { email: mistake });
    }
    await api.DELETE("/api/account");
    await sessionChanged();
  }
  return (
    <Section title="Your data">
      <p>Everything that is kept about you, as a file; or an end to it.</p>
      <Form
        label="Your data"
        submit="Download my data"
        onSubmit={saveExport}
        secondary={
          <button type="button" onClick={() => setErasing(true)}>
            Delete my account
          </button>
        }
      />
      {erasing ? (
        <Confirm
          title="Delete your account?"
          action="Delete it for ever"
          onConfirm={erase}
          onClose={() => setErasing(false)}
        >
          <p>You are signed out everywhere, and nothing can be brought back.</p>
          <Field label={`Type ${email} to confirm`} name="email" required autoComplete="off" />
        </Confirm>
      ) : null}
    </Section>
  );
}

export default function AccountPage({ session: { person } }: { readonly session: Session }) {
  return (
    <Page title="Account" lead={person.email}>
      <div className="columns">
        <Profile key={person.name} name={person.name} />
        <Password isSet={person.has_password} />
      </div>
      <SecondFactor isOn={person.has_second_factor} />
      <Identities />
      <Sessions />
      <Privacy email={person.email} />
    </Page>
  );
}
