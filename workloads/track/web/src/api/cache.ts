/** Changing what the pages show: asking again, and showing a change before the server has confirmed it. */

import { useQueryClient, type QueryKey } from "@tanstack/react-query";

import { useToast } from "../ui/toast.tsx";
import { messageOf } from "./problem.ts";
import type { paths } from "./schema.ts";

/** Asks again for everything that was read from these paths. */
export function useRefresh() {
  const cache = useQueryClient();
  return (...changed: readonly (keyof paths)[]) =>
    Promise.all(changed.map((path) => cache.invalidateQueries({ queryKey: ["get", path] })));
}

/**
 * Shows `change` at once and lets `action` do it. Refused, it is taken back and said. For what the server hardly ever
 * refuses: a member who may end a session may end it.
 */
export function useOptimistic() {
  const cache = useQueryClient();
  const say = useToast();
  return async <Data>(queryKey: QueryKey, change: (data: Data) => Data, action: () => Promise<unknown>) => {
    await cache.cancelQueries({ queryKey });
    const before = cache.getQueryData<Data>(queryKey);
    if (before !== undefined) cache.setQueryData<Data>(queryKey, change(before));
    try {
      await action();
    } catch (error) {
      cache.setQueryData(queryKey, before);
      say(messageOf(error), "bad");
    } finally {
      void cache.invalidateQueries({ queryKey });
    }
  };
}
