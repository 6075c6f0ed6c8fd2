import { useEffect, useId, useRef, type ReactNode } from "react";

import { Form, type Values } from "./form.tsx";

type DialogProps = { readonly title: string; readonly onClose: () => void; readonly children: ReactNode };

/** A modal dialog: the browser keeps the focus inside, closes on Escape and gives the focus back. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const element = dialog.current;
    const opener = document.activeElement;
    element?.showModal();
    return () => {
      element?.close();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <h2 id={heading}>{title}</h2>
      {children}
    </dialog>
  );
}

type ConfirmProps = {
  readonly title: string;
  readonly action: string;
  readonly onConfirm: (values: Values) => Promise<unknown>;
  readonly onClose: () => void;
  readonly blames?: Readonly<Record<string, string>>;
  readonly children: ReactNode;
};

/** Asks before what cannot be undone; stays open, and says why, when the server refuses. */
export function Confirm({ title, action, onConfirm, onClose, blames, children }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <Form
        label={title}
        submit={action}
        danger
        {...(blames === undefined ? {} : { blames })}
        onSubmit={async (values) => {
          await onConfirm(values);
          onClose();
        }}
        secondary={
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        }
      >
        {children}
      </Form>
    </Dialog>
  );
}
