import { useState } from "react";
import { useLocation } from "wouter";

import { api } from "../api/client.ts";
import { useOrganisation, useInside, useMay } from "../organisation.ts";
import { useSessionChanged } from "../session.ts";
import { Confirm } from "../ui/dialog.tsx";
import { download } from "../ui/download.ts";
import { Field, Form, type Values } from "../ui/form.tsx";
import { Section } from "../ui/page.tsx";
import { useToast } from "../ui/toast.tsx";

const SUBJECTS = "/api/organisations/{organisation}/subjects";

function Forgetting({ email, onClose }: { readonly email: string; readonly onClose: () => void }) {
  const inside = useInside();
  const say = useToast();
  async function erase() {
    await api.POST(`${SUBJECTS}/erase`, { ...inside, body: { email } });
    say(`${email} is forgotten`);
  }
  return (
    <Confirm title={`Forget ${email}?`} action="Forget" onConfirm={erase} onClose={onClose}>
      <p>What was sent to this address is erased. That it is not to be written to is kept.</p>
    </Confirm>
  );
}

/** Somebody whom the organisation wrote to asks for their data, or for its end. */
function Subjects() {
  const inside = useInside();
  const [forgetting, forget] = useState("");
  async function save(values: Values) {
    const { data } = await api.POST(`${SUBJECTS}/export`, { ...inside, body: { email: values("email") } });
    download("track-address.json", data);
  }
  async function ask(values: Values) {
    forget(values("email"));
  }
  return (
    <Section title="Somebody asks about their data">
      <Form label="Copy of an address" submit="Download what is kept" onSubmit={save} inline>
        <Field label="Address" name="email" type="email" required />
      </Form>
      <Form label="Forget an address" submit="Forget the address" onSubmit={ask} inline>
        <Field label="Address to forget" name="email" type="email" required />
      </Form>
      {forgetting === "" ? null : <Forgetting email={forgetting} onClose={() => forget("")} />}
    </Section>
  );
}

function Ending({ onClose }: { readonly onClose: () => void }) {
  const { name } = useOrganisation();
  const inside = useInside();
  const [, navigate] = useLocation();
  const sessionChanged = useSessionChanged();
  async function end(values: Values) {
    await api.POST("/api/organisations/{organisation}/erase", { ...inside, body: { name: values("name") } });
    navigate("/");
    await sessionChanged();
  }
  return (
    <Confirm title={`End ${name}?`} action="End it for ever" onConfirm={end} onClose={onClose} blames={{ wrong_name: "name" }}>
      <p>Members, mails, templates, keys and the log are erased. Nothing can be brought back.</p>
      <Field label={`Type ${name} to confirm`} name="name" required autoComplete="off" />
    </Confirm>
  );
}

function Whole() {
  const { id } = useOrganisation();
  const [ending, setEnding] = useState(false);
  return (
    <Section title="Everything of the organisation">
      <div className="actions">
        <a className="button" href={`/api/organisations/${id}/export`} download>
          Download everything
        </a>
        <button type="button" onClick={() => setEnding(true)}>
          End the organisation
        </button>
      </div>
      {ending ? <Ending onClose={() => setEnding(false)} /> : null}
    </Section>
  );
}

export function Privacy() {
  const isAdmin = useMay("admin");
  const isOwner = useMay("owner");
  return (
    <>
      {isAdmin ? <Subjects /> : null}
      {isOwner ? <Whole /> : null}
    </>
  );
}
