import { useSyncExternalStore } from "react";

/** Whether the page has room for a pane beside the transcript. */
const WIDE = matchMedia("(min-width: 1024px)");

/** Whether it has room for little but one column: `max-sm` of the styles. */
const PHONE = matchMedia("(width < 640px)");

export const useWide = () => useMedia(WIDE);
export const usePhone = () => useMedia(PHONE);

function useMedia(list: MediaQueryList): boolean {
  return useSyncExternalStore(
    (listener) => {
      list.addEventListener("change", listener);
      return () => list.removeEventListener("change", listener);
    },
    () => list.matches,
  );
}
