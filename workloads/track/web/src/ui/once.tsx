import { useState, type ReactNode } from "react";

import { Dialog } from "./dialog.tsx";

type OnceProps = {
  readonly title: string;
  readonly secret: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
};

/** Something that is shown this once, with a way to take it along. */
export function Once({ title, secret, onClose, children }: OnceProps) {
  const [copied, setCopied] = useState(false);
  async function copy() {
    await navigator.clipboard.writeText(secret);
    setCopied(true);
  }
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <code className="secret">{secret}</code>
      <div className="actions">
        <button type="button" className="primary" onClick={() => void copy().catch(() => setCopied(false))}>
          {copied ? "Copied" : "Copy"}
        </button>
        <button type="button" onClick={onClose}>
          I have kept it
        </button>
      </div>
    </Dialog>
  );
}
