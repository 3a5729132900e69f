import { useQuery } from "@tanstack/react-query";
import { clsx } from "clsx";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { Refusal } from "@/api/client";
import { sessionActions } from "@/api/queries";
import { shareQueries } from "@/api/share-links";
import { inAStreamOfItsOwn, SessionLog } from "@/log/session-log";
import { SessionContext } from "@/session/context";
import { Changes } from "@/session/pane/Changes";
import { TranscriptView } from "@/session/Transcript";
import { Mark } from "@/shell/Mark";
import { repositoryName } from "@/shell/names";
import { ErrorProblem } from "@/ui/Problem";
import { STATES, StateMark } from "@/ui/StateMark";
import { Until } from "@/ui/time";

const NOTHING = async () => false;
const nowhere = () => {};

/** A session as a public link shows it: to read, with nothing to press that changes anything. */
export function ShownPage({ id }: { id: string }) {
  const log = useMemo(() => new SessionLog(id, inAStreamOfItsOwn), [id]);
  const read = useSyncExternalStore(log.subscribe, log.snapshot);
  const { transcript, error } = read;
  const shown = useQuery(shareQueries.shown(id));
  const [tab, setTab] = useState<"transcript" | "changes">("transcript");
  const session = shown.data?.session;
  const state = transcript.state ?? session?.state ?? "queued";
  const actions = useMemo(() => sessionActions(id), [id]);
  const page = useMemo(
    () => ({
      ...{ id, session, transcript, state, actions },
      ...{ drives: false, act: NOTHING, showPane: nowhere, place: {}, share: nowhere },
      ...{ full: false, shown: true },
    }),
    [id, session, transcript, state, actions],
  );
  useEffect(() => {
    document.title = session?.title ?? "Bunkhouse";
  }, [session?.title]);

  const failure = [shown.error, error].find(
    (each) => each instanceof Refusal && [401, 403, 404].includes(each.status),
  );
  if (failure) return <Over />;
  return (
    <SessionContext value={page}>
      <div data-testid="shown" className="flex h-dvh min-h-0 flex-col bg-paper">
        <header className="flex min-h-14 shrink-0 flex-wrap items-center gap-x-4 gap-y-1 border-b px-3 py-2 sm:px-6">
          <Mark size={20} />
          <div className="min-w-0 flex-1 basis-48">
            <h1 className="truncate font-semibold" title={session?.title}>
              {session?.title ?? "A session"}
            </h1>
            <p className="flex min-w-0 flex-wrap gap-x-3 text-12 text-ink-3">
              <span className={`flex items-center gap-1.5 ${STATES[state].tone}`}>
                <StateMark state={state} />
                {state === "waiting" ? "Waits for an answer" : STATES[state].word}
              </span>
              {shown.data && (
                <span>
                  Shared by {shown.data.shared.by}
                  {shown.data.shared.until && (
                    <>
                      {" "}
                      · the link expires <Until at={shown.data.shared.until} />
                    </>
                  )}
                </span>
              )}
              {session?.repository && (
                <span className="truncate">{repositoryName(session.repository)}</span>
              )}
            </p>
          </div>
          <nav aria-label="What is shown" className="flex gap-1">
            <Tab chosen={tab === "transcript"} onChoose={() => setTab("transcript")}>
              Transcript
            </Tab>
            <Tab chosen={tab === "changes"} onChoose={() => setTab("changes")}>
              Changes
            </Tab>
          </nav>
        </header>
        {shown.error && <ErrorProblem error={shown.error} className="m-4" />}
        <main className={clsx("flex min-h-0 flex-1 flex-col", tab !== "transcript" && "hidden")}>
          <TranscriptView log={log} read={read} />
        </main>
        {tab === "changes" && (
          <div className="min-h-0 flex-1 overflow-y-auto">
            <Changes />
          </div>
        )}
        <footer className="shrink-0 border-t px-3 py-1.5 text-center text-12 text-ink-3 sm:px-6">
          You read along. Nothing can be changed here.
        </footer>
      </div>
    </SessionContext>
  );
}

function Tab({
  chosen,
  onChoose,
  children,
}: {
  chosen: boolean;
  onChoose: () => void;
  children: string;
}) {
  return (
    <button
      type="button"
      aria-pressed={chosen}
      onClick={onChoose}
      className={clsx(
        "target h-8 rounded-md px-3 text-13 transition-colors",
        chosen ? "bg-hover font-semibold" : "text-ink-2 hover:bg-hover",
      )}
    >
      {children}
    </button>
  );
}

function Over() {
  return (
    <main className="grid min-h-dvh place-items-center bg-ground p-6">
      <div className="w-full max-w-md rounded-md border bg-raised p-6">
        <div className="flex items-center gap-2.5">
          <Mark size={24} />
          <span className="font-semibold">Bunkhouse</span>
        </div>
        <h1 className="mt-6 text-18 font-semibold">There is nothing to see here</h1>
        <p className="mt-2 text-ink-2">
          The link that showed this session was taken back or is too old, or this browser has not
          opened it. Open the link again, or ask whoever gave it to you for another one.
        </p>
      </div>
    </main>
  );
}
