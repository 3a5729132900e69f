import { type RefObject, useCallback, useEffect, useRef } from "react";
import type { Earlier } from "@/log/session-log";

/** Older rows are asked for while there is less than this above, in heights of the view. */
const SCREENS = 3;

interface Options {
  scroller: RefObject<HTMLElement | null>;
  /** The view is at the end, or is about to be. */
  following: boolean;
  /** The place at which the transcript begins. */
  from: number;
  earlier: Earlier;
  older: (all?: boolean) => Promise<void>;
  toStart: () => void;
}

/** Reads older rows before the reader gets to where they are; returns how to go to the very first. */
export function useEarlier({
  scroller,
  following,
  from,
  earlier,
  older,
  toStart,
}: Options): () => void {
  const goingToStart = useRef(false);
  // The way to the start is another one after each render, while one is on it.
  const way = useRef(toStart);
  way.current = toStart;
  const leave = useRef<() => void>(() => {});
  useEffect(() => () => leave.current(), []);

  // `from` is among these: after each page it is looked again whether that was enough.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    const element = scroller.current;
    if (!element || earlier !== "some") return;
    const look = () => {
      const { scrollTop, scrollHeight, clientHeight } = element;
      const above = following ? scrollHeight - clientHeight : scrollTop;
      if (above < SCREENS * clientHeight) void older();
    };
    const frame = requestAnimationFrame(look);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      element.removeEventListener("scroll", look);
    };
  }, [scroller, following, from, earlier, older]);

  useEffect(() => {
    if (!goingToStart.current || earlier === "loading") return;
    if (earlier === "some") {
      void older(true);
      return;
    }
    goingToStart.current = false;
    if (earlier !== "none") return;
    leave.current();
    leave.current = untilThere(() => way.current(), scroller);
  }, [scroller, earlier, older]);

  return useCallback(() => {
    if (earlier === "none") return toStart();
    goingToStart.current = true;
    void older(true);
  }, [earlier, older, toStart]);
}

/**
 * The list measures rows that it has just got, and moves the view for them, some frames later where
 * the browser is busy: it is there once it has been there for so many frames in a row.
 */
const FRAMES = 12;
const MOST_FRAMES = 600;

function untilThere(toStart: () => void, scroller: RefObject<HTMLElement | null>): () => void {
  let [calm, left] = [0, MOST_FRAMES];
  let frame = 0;
  const go = () => {
    calm = scroller.current?.scrollTop === 0 ? calm + 1 : 0;
    if (calm === 0) toStart();
    if (calm < FRAMES && --left > 0) frame = requestAnimationFrame(go);
  };
  frame = requestAnimationFrame(go);
  const stop = () => cancelAnimationFrame(frame);
  scroller.current?.addEventListener("wheel", stop, { once: true, passive: true });
  scroller.current?.addEventListener("touchmove", stop, { once: true, passive: true });
  return stop;
}
