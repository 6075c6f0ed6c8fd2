import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Suspense, useCallback } from "react";
import { Redirect, Route, Switch, useLocation, useSearch } from "wouter";

import { messageOf, ProblemError } from "./api/problem.ts";
import { Workspace } from "./workspace.tsx";
import { InvitationPage } from "./pages/invitation.tsx";
import { LinkPage } from "./pages/link.tsx";
import { ProviderPage } from "./pages/provider.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import { SignUpPage } from "./pages/sign-up.tsx";
import { useSession, useSessionEnd, type Session } from "./session.ts";
import { arriving } from "./ui/arriving.ts";
import { Boundary } from "./ui/boundary.tsx";
import { continuation } from "./ui/links.ts";
import { Toasts, useToast } from "./ui/toast.tsx";

const InboxPage = arriving(() => import("./pages/inbox.tsx"));
const CheckoutPage = arriving(() => import("./pages/checkout.tsx"));

const FRESH_MS = 5_000;
const RETRIES = 2;

/** Asks again when the network or the server failed; what was refused once is refused again. */
function isWorthRetrying(failures: number, error: Error): boolean {
  const refused = error instanceof ProblemError && error.status >= 400 && error.status < 500;
  return !refused && failures < RETRIES;
}

const cache = new QueryClient({
  defaultOptions: { queries: { staleTime: FRESH_MS, retry: isWorthRetrying } },
});

function SignedOut() {
  const [path] = useLocation();
  return (
    <Switch>
      <Route path="/sign-in" component={SignInPage} />
      <Route path="/sign-up" component={SignUpPage} />
      <Route>
        <Redirect to={`/sign-in?next=${encodeURIComponent(path)}`} replace />
      </Route>
    </Switch>
  );
}

function SignedIn({ session }: { readonly session: Session }) {
  const next = continuation(useSearch());
  return (
    <Switch>
      <Route path="/sign-in">
        <Redirect to={next} replace />
      </Route>
      <Route path="/sign-up">
        <Redirect to={next} replace />
      </Route>
      <Route>
        <Workspace session={session} />
      </Route>
    </Switch>
  );
}

function Entrance() {
  const session = useSession();
  const say = useToast();
  useSessionEnd(useCallback(() => say("Your session has ended. Sign in again to go on.", "bad"), [say]));
  if (session.data === undefined && session.error === null) return <main aria-busy="true" />;
  if (session.data === undefined) {
    return (
      <main className="narrow">
        <h1>Track cannot be reached</h1>
        <p role="alert">{messageOf(session.error)}</p>
        <button type="button" onClick={() => void session.refetch()}>
          Try again
        </button>
      </main>
    );
  }
  return (
    <Switch>
      <Route path="/inbox/:mail?">
        <Suspense fallback={<main aria-busy="true" />}>
          <InboxPage />
        </Suspense>
      </Route>
      <Route path="/billing/checkout/:checkout">
        <Suspense fallback={<main aria-busy="true" />}>
          <CheckoutPage />
        </Suspense>
      </Route>
      <Route path="/sign-in/link" component={LinkPage} />
      <Route path="/sign-in/provider/:provider" component={ProviderPage} />
      <Route path="/invitations">
        <InvitationPage session={session.data} />
      </Route>
      <Route>{session.data === null ? <SignedOut /> : <SignedIn session={session.data} />}</Route>
    </Switch>
  );
}

export function App() {
  return (
    <QueryClientProvider client={cache}>
      <Toasts>
        <Boundary>
          <Entrance />
        </Boundary>
      </Toasts>
    </QueryClientProvider>
  );
}
