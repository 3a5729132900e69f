import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

/** This near the end counts as at it, in pixels. */
const NEAR = 40;
/** A scroll this soon after a wheel, a touch or a key is the reader's; others are the layout's. */
const INTENT_MS = 250;

/**
 * Keeps a scroll container at its end while the reader is there, and leaves it alone otherwise.
 *
 * Only the reader takes the view away from the end, by scrolling up; growing content never does,
 * nor does the list that corrects its place when it learns how tall its rows are.
 *
 * `broken`: more is to come behind the last row, so that nobody who reads on to it is at the end.
 */
export function useFollow(
  scroller: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
  broken: boolean,
) {
  const [following, setFollowing] = useState(true);
  const follows = useRef(true);
  const breaks = useRef(broken);
  breaks.current = broken;
  const moved = useRef(-INTENT_MS);

  const set = useCallback((next: boolean) => {
    if (follows.current === next) return;
    follows.current = next;
    setFollowing(next);
  }, []);

  const toEnd = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    set(true);
    // The key that led here is none that scrolls: what the list corrects on the way is its own.
    moved.current = -INTENT_MS;
    element.scrollTop = element.scrollHeight;
  }, [scroller, set]);

  // Not the browser's own: its gliding measures rows on the way, and their corrections stop it short.
  const toStart = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    set(false);
    element.scrollTop = 0;
  }, [scroller, set]);

  useEffect(() => {
    const element = scroller.current;
    const inner = content.current;
    if (!element || !inner) return;
    let lastTop = element.scrollTop;
    let held = false;

    const scrolled = () => {
      const { scrollTop, scrollHeight, clientHeight } = element;
      const byReader = held || performance.now() - moved.current < INTENT_MS;
      if (scrollHeight - scrollTop - clientHeight < NEAR && !breaks.current) set(true);
      else if (byReader && scrollTop < lastTop) set(false);
      lastTop = scrollTop;
    };
    const grown = () => {
      if (follows.current) element.scrollTop = element.scrollHeight;
      lastTop = element.scrollTop;
    };
    const intent = () => {
      moved.current = performance.now();
    };
    const press = (event: PointerEvent) => {
      // On the scroll container itself there is nothing to press but its scrollbar.
      held = event.target === element;
    };
    const release = () => {
      held = false;
    };

    const observer = new ResizeObserver(grown);
    observer.observe(inner);
    observer.observe(element);
    const until = new AbortController();
    const options = { passive: true, signal: until.signal };
    element.addEventListener("scroll", scrolled, options);
    element.addEventListener("wheel", intent, options);
    element.addEventListener("touchmove", intent, options);
    element.addEventListener("keydown", intent, options);
    element.addEventListener("pointerdown", press, options);
    window.addEventListener("pointerup", release, options);
    return () => {
      observer.disconnect();
      until.abort();
    };
  }, [scroller, content, set]);

  return { following, toStart, toEnd };
}
