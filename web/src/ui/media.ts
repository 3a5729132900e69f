import { useSyncExternalStore } from "react";

/** Whether the page has room for a pane beside the transcript. */
const WIDE = matchMedia("(min-width: 1024px)");

export function useWide(): boolean {
  return useSyncExternalStore(
    (listener) => {
      WIDE.addEventListener("change", listener);
      return () => WIDE.removeEventListener("change", listener);
    },
    () => WIDE.matches,
  );
}
