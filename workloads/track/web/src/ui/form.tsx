import {
  createContext,
  useContext,
  useId,
  useMemo,
  useRef,
  useState,
  type ComponentProps,
  type ReactNode,
  type SubmitEvent,
} from "react";

import { messageOf, ProblemError, type FieldErrors } from "../api/problem.ts";

/** What a form holds, each field trimmed text; an unchecked box and an empty field are the empty text. */
export type Values = (name: string) => string;

type FormState = { readonly errors: FieldErrors; readonly pending: boolean };
const FormContext = createContext<FormState>({ errors: {}, pending: false });

type FormProps = {
  /** Names the form for those who jump from form to form. */
  readonly label: string;
  readonly submit: string;
  readonly onSubmit: (values: Values) => Promise<unknown>;
  readonly children?: ReactNode;
  readonly secondary?: ReactNode;
  readonly danger?: boolean;
  readonly inline?: boolean;
  /** The field that a refusal's code is about: `email_taken` is a mistake in `email`. */
  readonly blames?: Readonly<Record<string, string>>;
  /** Empties the fields when the server has taken them. */
  readonly resets?: boolean;
};

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

function isControl(element: Element): element is Control {
  return (
    element instanceof HTMLInputElement ||
    element instanceof HTMLSelectElement ||
    element instanceof HTMLTextAreaElement
  );
}

function controlsOf(form: HTMLFormElement): readonly Control[] {
  return [...form.elements].filter(isControl);
}

/** What the browser itself finds wrong, in the reader's language. */
function mistakesOf(form: HTMLFormElement): FieldErrors {
  const wrong = controlsOf(form).filter((control) => control.name !== "" && !control.validity.valid);
  return Object.fromEntries(wrong.map((control) => [control.name, control.validationMessage]));
}

function focusFirst(form: HTMLFormElement, errors: FieldErrors): boolean {
  const first = controlsOf(form).find((control) => errors[control.name] !== undefined);
  first?.focus();
  return first !== undefined;
}

function valuesOf(form: HTMLFormElement): Values {
  const data = new FormData(form);
  return (name) => {
    const value = data.get(name);
    return typeof value === "string" ? value.trim() : "";
  };
}

/** The fields that a refusal is about: it lists them, or its code stands for one. */
function fieldsOf(error: unknown, blames: Readonly<Record<string, string>>): FieldErrors {
  if (!(error instanceof ProblemError)) return {};
  if (Object.keys(error.fields).length > 0) return error.fields;
  const field = blames[error.code];
  return field === undefined ? {} : { [field]: error.message };
}

/**
 * A form that sends once at a time, and shows each mistake next to its field: those that the browser finds and those
 * that the server answers. The first field with a mistake gets the focus.
 */
export function Form(props: FormProps) {
  const [errors, setErrors] = useState<FieldErrors>({});
  const [refusal, setRefusal] = useState("");
  const [pending, setPending] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  function refuse(element: HTMLFormElement, error: unknown) {
    const fields = fieldsOf(error, props.blames ?? {});
    setErrors(fields);
    if (!focusFirst(element, fields)) setRefusal(messageOf(error));
  }

  async function send(element: HTMLFormElement) {
    setPending(true);
    try {
      await props.onSubmit(valuesOf(element));
      if (props.resets === true) element.reset();
    } catch (error) {
      refuse(element, error);
    } finally {
      setPending(false);
    }
  }

  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    event.stopPropagation();
    if (pending) return;
    const mistakes = mistakesOf(event.currentTarget);
    setErrors(mistakes);
    setRefusal("");
    if (!focusFirst(event.currentTarget, mistakes)) void send(event.currentTarget);
  }

  const state = useMemo(() => ({ errors, pending }), [errors, pending]);
  return (
    <FormContext value={state}>
      <form ref={form} aria-label={props.label} noValidate onSubmit={submit} className={props.inline ? "inline" : ""}>
        {props.children}
        <div className="actions">
          <button type="submit" className={props.danger ? "danger" : "primary"} aria-disabled={pending}>
            {props.submit}
          </button>
          {props.secondary}
        </div>
        <p role="alert" className="refusal">
          {refusal}
        </p>
      </form>
    </FormContext>
  );
}

type Described = { readonly label: string; readonly name: string; readonly hint?: ReactNode };

function useDescription(name: string, hint: ReactNode) {
  const id = useId();
  const error = useContext(FormContext).errors[name];
  const described = [hint === undefined ? "" : `${id}-hint`, error === undefined ? "" : `${id}-error`];
  const attributes = {
    id,
    name,
    "aria-invalid": error === undefined ? undefined : true,
    "aria-describedby": described.join(" ").trim() || undefined,
  };
  return { id, error, attributes };
}

function Labelled(props: {
  readonly id: string;
  readonly label: string;
  readonly hint: ReactNode;
  readonly error: string | undefined;
  readonly children: ReactNode;
}) {
  return (
    <div className="field">
      <label htmlFor={props.id}>{props.label}</label>
      {props.children}
      {props.hint === undefined ? null : (
        <p className="hint" id={`${props.id}-hint`}>
          {props.hint}
        </p>
      )}
      {props.error === undefined ? null : (
        <p className="error" id={`${props.id}-error`}>
          {props.error}
        </p>
      )}
    </div>
  );
}

export function Field({ label, name, hint, ...input }: Described & ComponentProps<"input">) {
  const { id, error, attributes } = useDescription(name, hint);
  return (
    <Labelled id={id} label={label} hint={hint} error={error}>
      <input {...input} {...attributes} />
    </Labelled>
  );
}

export function TextArea({ label, name, hint, ...input }: Described & ComponentProps<"textarea">) {
  const { id, error, attributes } = useDescription(name, hint);
  return (
    <Labelled id={id} label={label} hint={hint} error={error}>
      <textarea rows={8} {...input} {...attributes} />
    </Labelled>
  );
}

export type Choice = { readonly value: string; readonly label: string };

export function Select({
  label,
  name,
  hint,
  choices,
  ...input
}: Described & ComponentProps<"select"> & { readonly choices: readonly Choice[] }) {
  const { id, error, attributes } = useDescription(name, hint);
  return (
    <Labelled id={id} label={label} hint={hint} error={error}>
      <select {...input} {...attributes}>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

export function Checkbox({ label, name, hint, ...input }: Described & ComponentProps<"input">) {
  const { id, error, attributes } = useDescription(name, hint);
  return (
    <div className="field check">
      <input type="checkbox" value="on" {...input} {...attributes} />
      <label htmlFor={id}>{label}</label>
      {error === undefined ? null : (
        <p className="error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}
