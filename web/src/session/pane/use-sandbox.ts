import type { SessionState } from "@/api/types";
import { useSessionPage } from "../context";

const READY: readonly SessionState[] = ["idle", "working", "waiting"];

const WORDS: Partial<Record<SessionState, string>> = {
  queued: "The sandbox is not there yet. This opens as soon as it is.",
  starting: "The sandbox is getting ready. This opens as soon as it is.",
  restoring: "The session is waking up. This opens as soon as it is there.",
  hibernating: "The session goes to sleep.",
  hibernated: "The session sleeps. Nothing runs in its sandbox until it wakes up.",
  ended: "This session has ended, and its sandbox was taken away.",
  failed: "The sandbox is not running. The transcript says why.",
};

/** Whether there is a sandbox to work in, and where not, why. */
export function useSandbox(): { ready: boolean; why: string } {
  const { state } = useSessionPage();
  return { ready: READY.includes(state), why: WORDS[state] ?? "" };
}
