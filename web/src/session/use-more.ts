import { type RefObject, useEffect } from "react";
import type { Earlier } from "@/log/session-log";

/** More rows are asked for while there is less than this to them, in heights of the view. */
const SCREENS = 3;

interface Options {
  scroller: RefObject<HTMLElement | null>;
  /** The view is at the end, or is about to be. */
  following: boolean;
  /** The places at which what is shown begins and ends. */
  from: number;
  last: number;
  earlier: Earlier;
  older: () => Promise<void>;
  later: Earlier;
  further: () => Promise<void>;
}

/** Reads older rows, and those behind the beginning, before the reader gets to where they are. */
export function useMore({
  scroller,
  following,
  from,
  last,
  earlier,
  older,
  later,
  further,
}: Options): void {
  // `from` is among these: after each page it is looked again whether that was enough.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    if (earlier !== "some") return;
    return watch(scroller.current, older, ({ scrollTop, scrollHeight, clientHeight }) =>
      following ? scrollHeight - clientHeight : scrollTop,
    );
  }, [scroller, following, from, earlier, older]);

  // The same goes for `last`.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    if (later !== "some") return;
    return watch(
      scroller.current,
      further,
      ({ scrollTop, scrollHeight, clientHeight }) => scrollHeight - clientHeight - scrollTop,
    );
  }, [scroller, last, later, further]);
}

function watch(
  element: HTMLElement | null,
  read: () => Promise<void>,
  left: (element: HTMLElement) => number,
): (() => void) | undefined {
  if (!element) return;
  const look = () => {
    if (left(element) < SCREENS * element.clientHeight) void read();
  };
  const frame = requestAnimationFrame(look);
  element.addEventListener("scroll", look, { passive: true });
  return () => {
    cancelAnimationFrame(frame);
    element.removeEventListener("scroll", look);
  };
}
