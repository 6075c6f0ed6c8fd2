/** Who is signed in, and how that begins and ends. */

import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { api, keepCsrfToken, whenSignedOut } from "./api/client.ts";
import type { MyOrganisation, PersonBody } from "./api/schema.ts";

/** Somebody who is signed in, and where they are a member. */
export type Session = { readonly person: PersonBody; readonly organisations: readonly MyOrganisation[] };

const SESSION_KEY = ["session"] as const;

async function readSession(): Promise<Session | null> {
  const { data } = await api.GET("/api/session");
  if (data?.person == null) return null;
  keepCsrfToken(data.csrf_token ?? "");
  return { person: data.person, organisations: data.organisations };
}

/** The session, null when nobody is signed in. */
export function useSession() {
  return useQuery({ queryKey: SESSION_KEY, queryFn: readSession, staleTime: Infinity });
}

/** Asks the server again who is signed in, and what they belong to. */
export function useSessionChanged() {
  const cache = useQueryClient();
  return () => cache.invalidateQueries({ queryKey: SESSION_KEY });
}

/** Nobody is signed in: nothing of the person stays in this page's memory. */
function forget(cache: QueryClient) {
  cache.setQueryData(SESSION_KEY, null);
  cache.removeQueries({ predicate: (query) => query.queryKey[0] !== SESSION_KEY[0] });
}

/** Signs out here. */
export function useSignOut() {
  const cache = useQueryClient();
  return async () => {
    await api.DELETE("/api/session");
    forget(cache);
  };
}

/** When the server says that the session is over, so does the page; `told` hears of it once. */
export function useSessionEnd(told: () => void) {
  const cache = useQueryClient();
  useEffect(() => {
    whenSignedOut(() => {
      if (cache.getQueryData<Session | null>(SESSION_KEY) == null) return;
      forget(cache);
      told();
    });
  }, [cache, told]);
}
