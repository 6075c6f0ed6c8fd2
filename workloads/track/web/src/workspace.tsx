import { Suspense, useEffect, type ReactNode } from "react";
import { Link, Redirect, Route, Switch, useLocation, useRoute } from "wouter";

import { hasInbox } from "./api/inbox.ts";
import type { MyOrganisation } from "./api/schema.ts";
import { lastOrganisation, OrganisationContext, rememberOrganisation } from "./organisation.ts";
import { MailsPage } from "./pages/mails.tsx";
import { NewOrganisationPage } from "./pages/new-organisation.tsx";
import { useSignOut, type Session } from "./session.ts";
import { arriving } from "./ui/arriving.ts";
import { Boundary } from "./ui/boundary.tsx";
import { Brand } from "./ui/entrance.tsx";
import { Page, Placeholder } from "./ui/page.tsx";

const ComposePage = arriving(() => import("./pages/compose.tsx"));
const MailPage = arriving(() => import("./pages/mail.tsx"));
const TemplatesPage = arriving(() => import("./pages/templates.tsx"));
const MembersPage = arriving(() => import("./pages/members.tsx"));
const SuppressionsPage = arriving(() => import("./pages/suppressions.tsx"));
const PlanPage = arriving(() => import("./pages/plan.tsx"));
const KeysPage = arriving(() => import("./pages/keys.tsx"));
const WebhooksPage = arriving(() => import("./pages/webhooks.tsx"));
const AuditPage = arriving(() => import("./pages/audit.tsx"));
const SettingsPage = arriving(() => import("./pages/settings.tsx"));
const OperationsPage = arriving(() => import("./pages/operations.tsx"));
const AccountPage = arriving(() => import("./pages/account.tsx"));

const INSIDE = [
  ["", "Mails"],
  ["/templates", "Templates"],
  ["/members", "Members"],
  ["/suppressions", "Suppressions"],
  ["/plan", "Plan"],
  ["/keys", "API keys"],
  ["/webhooks", "Webhooks"],
  ["/audit", "Audit log"],
  ["/operations", "Operations"],
  ["/settings", "Settings"],
] as const;

function Item({ href, children }: { readonly href: string; readonly children: ReactNode }) {
  const [here] = useRoute(href);
  return (
    <li>
      <Link href={href} aria-current={here ? "page" : undefined}>
        {children}
      </Link>
    </li>
  );
}

function Navigation({ organisation }: { readonly organisation: MyOrganisation | undefined }) {
  return (
    <nav aria-label="Pages">
      <ul>
        {organisation === undefined
          ? null
          : INSIDE.map(([path, name]) => (
              <Item key={path} href={`/o/${organisation.id}${path}`}>
                {name}
              </Item>
            ))}
        <Item href="/account">Account</Item>
        {hasInbox() ? <Item href="/inbox">Local inbox</Item> : null}
      </ul>
    </nav>
  );
}

function OrganisationSwitch(props: {
  readonly organisations: readonly MyOrganisation[];
  readonly current: MyOrganisation | undefined;
}) {
  const [, navigate] = useLocation();
  return (
    <div className="field">
      <label htmlFor="organisation" className="hidden">
        Organisation
      </label>
      <select
        id="organisation"
        value={props.current?.id ?? ""}
        onChange={(event) => navigate(event.target.value === "" ? "/new" : `/o/${event.target.value}`)}
      >
        {props.organisations.map((one) => (
          <option key={one.id} value={one.id}>
            {one.name}
          </option>
        ))}
        <option value="">New organisation…</option>
      </select>
    </div>
  );
}

function OrganisationPages({ organisation }: { readonly organisation: MyOrganisation }) {
  const base = `/o/${organisation.id}`;
  return (
    <OrganisationContext value={organisation}>
      <Switch>
        <Route path={base} component={MailsPage} />
        <Route path={`${base}/compose`} component={ComposePage} />
        <Route path={`${base}/mails/:mail`} component={MailPage} />
        <Route path={`${base}/templates`} component={TemplatesPage} />
        <Route path={`${base}/members`} component={MembersPage} />
        <Route path={`${base}/suppressions`} component={SuppressionsPage} />
        <Route path={`${base}/plan`} component={PlanPage} />
        <Route path={`${base}/webhooks`} component={WebhooksPage} />
        <Route path={`${base}/operations`} component={OperationsPage} />
        <Route path={`${base}/keys`} component={KeysPage} />
        <Route path={`${base}/audit`} component={AuditPage} />
        <Route path={`${base}/settings`} component={SettingsPage} />
        <Route component={NothingHere} />
      </Switch>
    </OrganisationContext>
  );
}

function NothingHere() {
  return (
    <Page title="Nothing is here">
      <p>
        There is no such page, or it is not yours. <Link href="/">Go to the first page</Link>
      </p>
    </Page>
  );
}

/** Everything that only who is signed in sees: pages on the right, the way to them on the left. */
export function Workspace({ session }: { readonly session: Session }) {
  const { organisations, person } = session;
  const [, inside] = useRoute("/o/:organisation/*?");
  const current = organisations.find((one) => one.id === inside?.organisation);
  const [path] = useLocation();
  const signOut = useSignOut();
  useEffect(() => {
    if (current !== undefined) rememberOrganisation(current.id);
  }, [current]);
  const last = organisations.find((one) => one.id === lastOrganisation()) ?? organisations[0];
  const shown = current ?? last;
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="side">
        <Link href="/" className="brand">
          <Brand />
        </Link>
        {shown === undefined ? null : <OrganisationSwitch organisations={organisations} current={shown} />}
        <Navigation organisation={shown} />
        <p className="who">
          {person.name || person.email}
          <br />
          <button type="button" className="link" onClick={() => void signOut()}>
            Sign out
          </button>
        </p>
      </header>
      <main id="main" tabIndex={-1}>
        <Boundary key={path}>
          <Suspense fallback={<Placeholder rows={6} />}>
            <Switch>
              <Route path="/">
                <Redirect to={last === undefined ? "/new" : `/o/${last.id}`} replace />
              </Route>
              <Route path="/new" component={NewOrganisationPage} />
              <Route path="/account">
                <AccountPage session={session} />
              </Route>
              <Route path="/o/:organisation/*?">
                {current === undefined ? <NothingHere /> : <OrganisationPages key={current.id} organisation={current} />}
              </Route>
              <Route component={NothingHere} />
            </Switch>
          </Suspense>
        </Boundary>
      </main>
    </div>
  );
}
