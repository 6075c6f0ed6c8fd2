/** The path of a link that leads to this installation, whatever address it was written with; else undefined. */
export function ownPath(link: string): string | undefined {
  const url = URL.parse(link);
  const isOurs = url !== null && (url.host === window.location.host || url.hostname === "127.0.0.1");
  return isOurs ? url.pathname + url.search + url.hash : undefined;
}

/** Where to go on after signing in: a path of ours, never another site. */
export function continuation(search: string): string {
  const wanted = new URLSearchParams(search).get("next") ?? "/";
  return wanted.startsWith("/") && !wanted.startsWith("//") ? wanted : "/";
}
