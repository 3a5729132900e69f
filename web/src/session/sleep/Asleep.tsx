import { Button } from "@/ui/Button";
import { StateMark } from "@/ui/StateMark";
import { Ago } from "@/ui/time";
import { useSessionPage } from "../context";
import { useSleep } from "./use-sleep";
import { keptWords, size } from "./words";

/** At the end of the transcript: the session sleeps or has ended; what is kept, and the way back. */
export function Asleep() {
  const { session, drives, state, transcript } = useSessionPage();
  const { busy, ended, canWake, kept, wake } = useSleep();
  const since = transcript.stateSince ?? session?.state_at;
  const cost = kept?.bytes ? ` and takes ${size(kept.bytes)} of disk` : "";
  return (
    <section
      data-testid="asleep"
      aria-label={ended ? "Ended" : "Asleep"}
      className="my-3 flex flex-wrap items-center gap-x-4 gap-y-3 rounded-md border bg-raised px-4 py-3"
    >
      <div className="min-w-0 flex-1 basis-72">
        <p className="flex items-center gap-2">
          <StateMark state={state} />
          <span className="font-semibold">{ended ? "This session has ended" : "Asleep"}</span>
          {since && <Ago at={since} className="text-12 text-ink-3" />}
        </p>
        <p className="mt-1 text-13 text-ink-2">
          {ended
            ? keptWords(kept)
            : `Everything is kept as it was${cost}.${drives ? " It wakes up when you write." : ""}`}
        </p>
      </div>
      {canWake && (
        <Button data-testid="wake" disabled={busy} onClick={wake}>
          {ended ? "Bring back" : "Wake up"}
        </Button>
      )}
    </section>
  );
}
