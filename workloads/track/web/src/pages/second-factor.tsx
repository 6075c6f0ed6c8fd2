import { useState } from "react";

import { api } from "../api/client.ts";
import type { Enrolment } from "../api/schema.ts";
import { useSessionChanged } from "../session.ts";
import { Confirm, Dialog } from "../ui/dialog.tsx";
import { Field, Form, type Values } from "../ui/form.tsx";
import { Once } from "../ui/once.tsx";
import { Badge, Section } from "../ui/page.tsx";
import { QrCode } from "../ui/qr.tsx";

const WRONG = { wrong_code: "code" };

type EnrolProps = {
  readonly enrolment: Enrolment;
  readonly onConfirmed: (codes: readonly string[]) => void;
  readonly onClose: () => void;
};

function Enrol({ enrolment, onConfirmed, onClose }: EnrolProps) {
  async function confirm(values: Values) {
    const { data } = await api.POST("/api/second-factor/confirm", { body: { code: values("code") } });
    onConfirmed(data?.recovery_codes ?? []);
  }
  return (
    <Dialog title="Set up a second factor" onClose={onClose}>
      <p>Scan this with an authenticator application, or type the key into it.</p>
      <QrCode text={enrolment.uri} />
      <p>
        <code className="secret">{enrolment.secret}</code>
      </p>
      <Form
        label="Set up a second factor"
        submit="Confirm"
        onSubmit={confirm}
        blames={WRONG}
        secondary={
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        }
      >
        <Field label="Code that it shows" name="code" required autoComplete="one-time-code" inputMode="numeric" />
      </Form>
    </Dialog>
  );
}

function Removal({ onClose }: { readonly onClose: () => void }) {
  const sessionChanged = useSessionChanged();
  async function remove(values: Values) {
    await api.POST("/api/second-factor/remove", { body: { code: values("code") } });
    await sessionChanged();
  }
  return (
    <Confirm title="Remove the second factor?" action="Remove" onConfirm={remove} onClose={onClose} blames={WRONG}>
      <p>From then on your password is enough.</p>
      <Field label="Code" name="code" required autoComplete="one-time-code" />
    </Confirm>
  );
}

export function SecondFactor({ isOn }: { readonly isOn: boolean }) {
  const sessionChanged = useSessionChanged();
  const [enrolment, setEnrolment] = useState<Enrolment>();
  const [codes, setCodes] = useState<readonly string[]>([]);
  const [removing, setRemoving] = useState(false);
  async function begin() {
    const { data } = await api.POST("/api/second-factor");
    setEnrolment(data);
  }
  async function confirmed(shown: readonly string[]) {
    setEnrolment(undefined);
    setCodes(shown);
    await sessionChanged();
  }
  return (
    <Section title="Second factor">
      <p>
        <Badge tone={isOn ? "good" : "plain"}>{isOn ? "on" : "off"}</Badge> A code of your authenticator application is
        asked for when you sign in.
      </p>
      {isOn ? (
        <button type="button" onClick={() => setRemoving(true)}>
          Remove the second factor
        </button>
      ) : (
        <Form label="Second factor" submit="Set up a second factor" onSubmit={begin} />
      )}
      {enrolment === undefined ? null : (
        <Enrol
          enrolment={enrolment}
          onConfirmed={(shown) => void confirmed(shown)}
          onClose={() => setEnrolment(undefined)}
        />
      )}
      {codes.length === 0 ? null : (
        <Once title="Your recovery codes" secret={codes.join(" ")} onClose={() => setCodes([])}>
          <p>Each signs you in once when your telephone is lost. They are not shown again.</p>
        </Once>
      )}
      {removing ? <Removal onClose={() => setRemoving(false)} /> : null}
    </Section>
  );
}
