import { Link, useLocation } from "wouter";

import { api, queries } from "../api/client.ts";
import type { InvitationPreview } from "../api/schema.ts";
import { useSessionChanged, useSignOut, type Session } from "../session.ts";
import { EntrancePage } from "../ui/entrance.tsx";
import { Form } from "../ui/form.tsx";
import { useFragment } from "../ui/fragment.ts";
import { Loaded } from "../ui/page.tsx";

type Props = { readonly session: Session | null };

function SignedOutChoice({ email }: { readonly email: string }) {
  const next = new URLSearchParams({ next: window.location.pathname + window.location.hash, email });
  return (
    <div className="actions">
      <Link className="button primary" href={`/sign-up?${next}`}>
        Create an account
      </Link>
      <Link className="button" href={`/sign-in?${next}`}>
        Sign in
      </Link>
    </div>
  );
}

function OtherPerson({ signedInAs, invited }: { readonly signedInAs: string; readonly invited: string }) {
  const signOut = useSignOut();
  return (
    <>
      <p className="notice warn">
        This invitation is for {invited}, and you are signed in as {signedInAs}.
      </p>
      <button type="button" onClick={() => void signOut()}>
        Sign out
      </button>
    </>
  );
}

function Answer({ invitation, token, session }: Props & { readonly invitation: InvitationPreview; readonly token: string }) {
  const [, navigate] = useLocation();
  const sessionChanged = useSessionChanged();
  async function accept() {
    const { data } = await api.POST("/api/invitations/accept", { body: { token } });
    await sessionChanged();
    navigate(data === undefined ? "/" : `/o/${data.organisation}`, { replace: true });
  }
  if (session === null) return <SignedOutChoice email={invitation.email} />;
  if (session.person.email !== invitation.email) {
    return <OtherPerson signedInAs={session.person.email} invited={invitation.email} />;
  }
  return <Form label="Invitation" submit={`Join ${invitation.organisation}`} onSubmit={accept} />;
}

export function InvitationPage({ session }: Props) {
  const token = useFragment();
  const query = queries.useQuery("post", "/api/invitations/look", { body: { token } });
  return (
    <EntrancePage title="You are invited">
      <Loaded query={query} rows={2}>
        {(invitation) => (
          <>
            <p>
              <strong>{invitation.organisation}</strong> asks {invitation.email} to join as {invitation.role}.
            </p>
            <Answer invitation={invitation} token={token} session={session} />
          </>
        )}
      </Loaded>
    </EntrancePage>
  );
}
