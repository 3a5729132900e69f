import { type ReactNode, useState } from "react";
import { Button } from "@/ui/Button";
import { Kbd } from "@/ui/Kbd";
import { useKeys } from "@/ui/keys";
import { StateMark } from "@/ui/StateMark";
import { Elapsed } from "@/ui/time";
import { useDrive } from "./use-drive";

/** Says that a person drives instead of the agent, and takes the hand-back. Above every pane. */
export function DriveBar({ failure }: { failure: ReactNode }) {
  const { drive, mine, may, can, busy, request, handBack, letGo } = useDrive();
  const [note, setNote] = useState("");
  const hand = () => {
    void handBack(note.trim() || null).then((done) => done && setNote(""));
  };
  useKeys({
    "alt+p": () => {
      if (busy) return;
      if (can) void request();
      else if (drive?.state === "driving" && mine) hand();
    },
  });
  if (!drive) return failure && <div className="px-4 pt-2">{failure}</div>;
  const who = mine ? "You" : drive.by;
  return (
    <section
      data-testid="drive-bar"
      data-state={drive.state}
      aria-label="Who drives"
      className="shrink-0 border-t-2 border-b border-t-accent border-b-accent-line bg-accent-tint px-3 py-2 sm:px-4"
    >
      {failure}
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <StateMark state={drive.state === "driving" ? "working" : "starting"} />
        {drive.state === "requested" ? (
          <>
            <p className="min-w-0 flex-1 text-13" role="status">
              <span className="font-semibold">{who} will drive</span>{" "}
              <span className="text-ink-2">
                as soon as the agent has finished what it has in hand…
              </span>
            </p>
            {may && (
              <Button disabled={busy} onClick={() => void letGo()}>
                Let it go on
              </Button>
            )}
          </>
        ) : (
          <>
            <p className="text-13" role="status">
              <span className="font-semibold">{mine ? "You drive" : `${who} drives`}</span>
              <span className="text-ink-2">
                {" "}
                · the agent rests · <Elapsed since={drive.since} />
              </span>
            </p>
            {may && (
              <form
                className="flex min-w-0 flex-1 basis-64 items-center gap-2"
                onSubmit={(event) => {
                  event.preventDefault();
                  if (!busy) hand();
                }}
              >
                <input
                  data-testid="hand-back-note"
                  aria-label="A note for the agent"
                  value={note}
                  maxLength={4000}
                  onChange={(event) => setNote(event.target.value)}
                  placeholder="What should the agent know? It sees your changes anyway"
                  className="h-8 min-w-0 flex-1 rounded-md border border-accent-line bg-raised px-2.5 text-13 outline-offset-0"
                />
                <Button type="submit" look="main" data-testid="hand-back" disabled={busy}>
                  Hand back <Kbd keys="Alt+P" />
                </Button>
              </form>
            )}
          </>
        )}
      </div>
    </section>
  );
}
