import { Component, type ReactNode } from "react";

type Props = { readonly children: ReactNode };
type State = { readonly failed: boolean };

/** Says that a page broke, or that its code did not arrive, in place of showing nothing. */
export class Boundary extends Component<Props, State> {
  override readonly state: State = { failed: false };

  static getDerivedStateFromError(): State {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <div className="notice bad" role="alert">
        <h1>This page cannot be shown</h1>
        <p>It did not arrive whole, or something in it is broken. What you saved is safe.</p>
        <button type="button" onClick={() => window.location.reload()}>
          Load it again
        </button>
      </div>
    );
  }
}
