import { useState } from "react";
import { useSessionPage } from "../context";

/** Putting the session to sleep and away, and getting it back. */
export function useSleep() {
  const { session, drives, state, transcript, actions, act } = useSessionPage();
  const [busy, setBusy] = useState(false);
  const run = (deed: () => Promise<unknown>) => {
    if (busy) return;
    setBusy(true);
    void act(deed()).then(() => setBusy(false));
  };
  const asleep = state === "hibernated" || state === "hibernating";
  const ended = state === "ended";
  return {
    busy,
    asleep,
    ended,
    kept: session?.kept,
    canHibernate: state === "idle" && !transcript.drive,
    /** It sleeps, or has ended and there is something left to bring it back from. */
    canWake: drives && (asleep || (ended && !!session?.kept)),
    keepsAwake: session?.hibernate_after === 0,
    hibernate: () => run(actions.hibernate),
    wake: () => run(actions.wake),
    end: () => run(actions.end),
    keepAwake: (yes: boolean) => run(() => actions.hibernateAfter(yes ? 0 : null)),
  };
}
