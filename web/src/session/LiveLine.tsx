import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import { Bar } from "@/ui/Bar";
import { Kbd } from "@/ui/Kbd";
import { Coded } from "@/ui/Problem";
import { StateMark } from "@/ui/StateMark";
import { Elapsed } from "@/ui/time";
import { useSessionPage } from "./context";
import { Asleep } from "./sleep/Asleep";

/** What is the case right now, at the end of the transcript: why nothing moves, or that it does. */
export function LiveLine() {
  const { drives, state, transcript, session, shown } = useSessionPage();
  const { data: system } = useQuery({ ...queries.system, enabled: !shown });
  const last = transcript.blocks.at(-1);
  const reason = transcript.stateReason ?? session?.state_reason;

  if (transcript.drive?.state === "driving") {
    return (
      <Line>
        <StateMark state="working" />
        {drives
          ? "What you write waits until the session is handed back."
          : "The agent rests until the session is handed back."}
      </Line>
    );
  }
  if (state === "working") {
    const streams = (last?.kind === "message" || last?.kind === "thought") && !last.complete;
    return (
      <Line>
        <span className={streams ? "invisible" : "contents"}>
          <StateMark state="working" />
          Working
          {transcript.turn && <Elapsed since={transcript.turn.startedAt} />}
          {drives && (
            <span className="ml-2 text-12 pointer-coarse:hidden">
              <Kbd keys="Esc" /> stops it
            </span>
          )}
        </span>
      </Line>
    );
  }
  if (state === "queued") {
    const building = system?.image.state === "building" ? system.image : null;
    return (
      <div className="py-2" data-testid="live-line">
        <p className="flex items-center gap-2 text-13 text-ink-2">
          <StateMark state="queued" />
          <span>{reason ? <Coded text={reason} /> : "Queued: it begins in a moment."}</span>
        </p>
        {building && (
          <>
            <Bar value={building.progress} label="Sandbox image" className="mt-3" />
            {building.step && <p className="mt-2 text-12 text-ink-3">{building.step}</p>}
          </>
        )}
      </div>
    );
  }
  if (state === "hibernated" || state === "ended") return <Asleep />;
  if (
    ((state === "hibernating" || state === "starting") && last?.kind !== "setup") ||
    (state === "restoring" && (reason || last?.kind !== "setup"))
  ) {
    return (
      <Line>
        <StateMark state={state} />
        <Coded text={state === "hibernating" ? WORDS[state] : (reason ?? WORDS[state])} />
        {transcript.stateSince && <Elapsed since={transcript.stateSince} />}
      </Line>
    );
  }
  return null;
}

const WORDS = {
  hibernating: "Going to sleep…",
  restoring: "Waking up…",
  starting: "Starting…",
};

function Line({ children }: { children: React.ReactNode }) {
  return (
    <div
      data-testid="live-line"
      className="flex min-h-9 items-center gap-2 py-2 text-13 text-ink-3"
    >
      {children}
    </div>
  );
}
