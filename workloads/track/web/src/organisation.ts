/** The organisation that the pages below are about. */

import { createContext, useContext } from "react";

import type { MyOrganisation } from "./api/schema.ts";

export const OrganisationContext = createContext<MyOrganisation | null>(null);

export function useOrganisation(): MyOrganisation {
  const organisation = useContext(OrganisationContext);
  if (organisation === null) throw new Error("a page of an organisation is shown outside of one");
  return organisation;
}

const LAST = "organisation";

/** The organisation that was looked at last on this machine, empty for none. */
export function lastOrganisation(): string {
  return localStorage.getItem(LAST) ?? "";
}

export function rememberOrganisation(id: string): void {
  localStorage.setItem(LAST, id);
}

/** The parameters of every path within the organisation. */
export function useInside() {
  const organisation = useOrganisation();
  return { params: { path: { organisation: organisation.id } } };
}

const RANKS = { member: 0, admin: 1, owner: 2 } as const;

/** Whether the visitor has this role or a higher one. */
export function useMay(role: MyOrganisation["role"]): boolean {
  return RANKS[useOrganisation().role] >= RANKS[role];
}
