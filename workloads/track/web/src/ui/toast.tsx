import { createContext, useCallback, useContext, useRef, useState, type ReactNode } from "react";

type Toast = { readonly id: number; readonly text: string; readonly kind: "good" | "bad" };
type Say = (text: string, kind?: Toast["kind"]) => void;

const SHOWN_MS = 6_000;
const ToastContext = createContext<Say>(() => {});

/** Says one sentence to everybody: on the screen, and to screen readers through the live region. */
export function useToast(): Say {
  return useContext(ToastContext);
}

export function Toasts({ children }: { readonly children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const next = useRef(0);
  const dismiss = useCallback((id: number) => setToasts((shown) => shown.filter((one) => one.id !== id)), []);
  const say = useCallback<Say>(
    (text, kind = "good") => {
      next.current += 1;
      const id = next.current;
      setToasts((shown) => [...shown.slice(-2), { id, text, kind }]);
      setTimeout(() => dismiss(id), SHOWN_MS);
    },
    [dismiss],
  );
  return (
    <ToastContext value={say}>
      {children}
      <output className="toasts" aria-live="polite">
        {toasts.map((toast) => (
          <div key={toast.id} className={`toast ${toast.kind}`}>
            <span>{toast.text}</span>
            <button type="button" className="plain" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
              ×
            </button>
          </div>
        ))}
      </output>
    </ToastContext>
  );
}
