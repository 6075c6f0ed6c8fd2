import { lazy, type ComponentType } from "react";

const ATTEMPTS = 4;
const PAUSE_MS = 1_000;

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, PAUSE_MS);
  });
}

async function persistently<Module>(load: () => Promise<Module>, attempts: number): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if (attempts === 1) throw error;
    await pause();
    return persistently(load, attempts - 1);
  }
}

/** A page whose code is loaded when it is opened. A busy server is asked for it again. */
export function arriving<Props>(load: () => Promise<{ default: ComponentType<Props> }>) {
  return lazy(() => persistently(load, ATTEMPTS));
}
