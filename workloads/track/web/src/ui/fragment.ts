import { useSyncExternalStore } from "react";

function listen(changed: () => void) {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

/** What is behind the # of the address: tokens of links are there, since no server and no log ever sees that part. */
export function useFragment(): string {
  return useSyncExternalStore(listen, () => window.location.hash.slice(1));
}
