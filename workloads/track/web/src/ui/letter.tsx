import { useState } from "react";

type LetterProps = { readonly html: string; readonly text: string };

const PARTS = ["HTML", "Text"] as const;

/**
 * A mail as its reader sees it. The HTML is somebody else's: the frame has no scripts, no forms, no origin, and the
 * page's content security policy holds in it too.
 */
export function Letter({ html, text }: LetterProps) {
  const [shown, show] = useState<(typeof PARTS)[number]>(html === "" ? "Text" : "HTML");
  return (
    <div>
      <fieldset className="tabs">
        <legend className="hidden">Form of the mail</legend>
        {PARTS.map((part) => (
          <button key={part} type="button" className="small" aria-pressed={shown === part} onClick={() => show(part)}>
            {part}
          </button>
        ))}
      </fieldset>
      {shown === "HTML" ? (
        <iframe title="The mail" sandbox="" srcDoc={html} />
      ) : (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable with the keyboard
        <pre className="letter" tabIndex={0} aria-label="The mail as text">
          {text}
        </pre>
      )}
    </div>
  );
}
