import { useState } from "react";

import { api, queries } from "../api/client.ts";
import { useOptimistic, useRefresh } from "../api/cache.ts";
import type { Invitation, Member } from "../api/schema.ts";
import { useInside, useMay, useOrganisation } from "../organisation.ts";
import { Confirm } from "../ui/dialog.tsx";
import { Field, Form, Select, type Values } from "../ui/form.tsx";
import { Badge, Loaded, Page, Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Moment } from "../ui/time.tsx";
import { useToast } from "../ui/toast.tsx";
import { BILLING, Seats } from "./seats.tsx";

type Role = Member["role"];

const MEMBERS = "/api/organisations/{organisation}/members";
const INVITATIONS = "/api/organisations/{organisation}/invitations";
const ROLES: readonly { readonly value: Role; readonly label: string }[] = [
  { value: "member", label: "Member: writes and sends" },
  { value: "admin", label: "Admin: members, keys and webhooks too" },
  { value: "owner", label: "Owner: everything, and the plan" },
];

function roleOf(text: string): Role {
  return ROLES.find((role) => role.value === text)?.value ?? "member";
}

function Invite() {
  const inside = useInside();
  const refresh = useRefresh();
  const say = useToast();
  const isOwner = useMay("owner");
  async function invite(values: Values) {
    const email = values("email");
    await api.POST(INVITATIONS, { ...inside, body: { email, role: roleOf(values("role")) } });
    await refresh(INVITATIONS, BILLING);
    say(`${email} is invited`);
  }
  const blames = { seat_limit: "email", already_member: "email" };
  return (
    <Section title="Invite somebody">
      <Seats />
      <Form label="Invite somebody" submit="Send invitation" onSubmit={invite} resets inline blames={blames}>
        <Field label="E-mail" name="email" type="email" required />
        <Select label="Role" name="role" choices={isOwner ? ROLES : ROLES.filter(({ value }) => value !== "owner")} />
      </Form>
    </Section>
  );
}

function Invitations() {
  const inside = useInside();
  const query = queries.useQuery("get", INVITATIONS, inside);
  const optimistic = useOptimistic();
  const mayChange = useMay("admin");
  const { queryKey } = queries.queryOptions("get", INVITATIONS, inside);
  function withdraw(invitation: Invitation) {
    const path = { ...inside.params.path, invitation: invitation.id };
    void optimistic<readonly Invitation[]>(
      queryKey,
      (shown) => shown.filter((one) => one.id !== invitation.id),
      () => api.DELETE(`${INVITATIONS}/{invitation}`, { params: { path } }),
    );
  }
  return (
    <Section title="Open invitations">
      <Loaded query={query} rows={2}>
        {(invitations) => (
          <Table
            caption="Open invitations"
            rows={invitations}
            rowKey={(one) => one.id}
            empty="Nobody is asked to join at the moment."
            columns={[
              { name: "E-mail", cell: (one) => one.email },
              { name: "Role", cell: (one) => one.role },
              { name: "Ends", cell: (one) => <Moment at={one.expires_at} /> },
              {
                name: "Change",
                cell: (one) =>
                  mayChange ? (
                    <button
                      type="button"
                      className="small"
                      aria-label={`Withdraw the invitation of ${one.email}`}
                      onClick={() => withdraw(one)}
                    >
                      Withdraw
                    </button>
                  ) : null,
              },
            ]}
          />
        )}
      </Loaded>
    </Section>
  );
}

function RoleForm({ member, onClose }: { readonly member: Member; readonly onClose: () => void }) {
  const inside = useInside();
  const refresh = useRefresh();
  const isOwner = useMay("owner");
  const path = { ...inside.params.path, member: member.person_id };
  async function change(values: Values) {
    await api.PATCH(`${MEMBERS}/{member}`, { params: { path }, body: { role: roleOf(values("role")) } });
    await refresh(MEMBERS);
  }
  return (
    <Confirm title={`Role of ${member.email}`} action="Change role" onConfirm={change} onClose={onClose}>
      <Select
        label="Role"
        name="role"
        defaultValue={member.role}
        choices={isOwner ? ROLES : ROLES.filter(({ value }) => value !== "owner")}
      />
    </Confirm>
  );
}

function Removal({ member, onClose }: { readonly member: Member; readonly onClose: () => void }) {
  const inside = useInside();
  const refresh = useRefresh();
  const path = { ...inside.params.path, member: member.person_id };
  async function remove() {
    await api.DELETE(`${MEMBERS}/{member}`, { params: { path } });
    await refresh(MEMBERS, BILLING);
  }
  return (
    <Confirm title={`Take ${member.email} out?`} action="Take out" onConfirm={remove} onClose={onClose}>
      <p>They lose access at once, and the seat is free again.</p>
    </Confirm>
  );
}

function Members() {
  const query = queries.useQuery("get", MEMBERS, useInside());
  const mayChange = useMay("admin");
  const [changing, setChanging] = useState<Member>();
  const [removing, setRemoving] = useState<Member>();
  const actions = (member: Member) => (
    <div className="actions">
      <button type="button" className="small" aria-label={`Role of ${member.email}`} onClick={() => setChanging(member)}>
        Role
      </button>
      <button type="button" className="small" aria-label={`Take ${member.email} out`} onClick={() => setRemoving(member)}>
        Take out
      </button>
    </div>
  );
  return (
    <Section title="Members">
      <Loaded query={query}>
        {(members) => (
          <Table
            caption="Members"
            rows={members}
            rowKey={(member) => member.person_id}
            empty="Nobody is here."
            columns={[
              { name: "E-mail", cell: (member) => member.email },
              { name: "Name", cell: (member) => member.name },
              { name: "Role", cell: (member) => <Badge tone="plain">{member.role}</Badge> },
              { name: "Since", cell: (member) => <Moment at={member.joined_at} /> },
              { name: "Change", cell: (member) => (mayChange ? actions(member) : null) },
            ]}
          />
        )}
      </Loaded>
      {changing === undefined ? null : <RoleForm member={changing} onClose={() => setChanging(undefined)} />}
      {removing === undefined ? null : <Removal member={removing} onClose={() => setRemoving(undefined)} />}
    </Section>
  );
}

export default function MembersPage() {
  const { name } = useOrganisation();
  const mayInvite = useMay("admin");
  return (
    <Page title="Members" lead={`Who works in ${name}, and as what.`}>
      {mayInvite ? <Invite /> : null}
      <Members />
      <Invitations />
    </Page>
  );
}
