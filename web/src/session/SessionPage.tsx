import { Link } from "@tanstack/react-router";
import { clsx } from "clsx";
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { Refusal, Unreachable } from "@/api/client";
import { Typing } from "@/api/presence";
import { sessionActions, useSession } from "@/api/queries";
import { drives as drivesIt } from "@/api/rights";
import { interest } from "@/log/environment";
import { sessionLog } from "@/log/session-log";
import { useKeys } from "@/ui/keys";
import { useWide } from "@/ui/media";
import { ErrorProblem } from "@/ui/Problem";
import { useStored } from "@/ui/stored";
import { Asks } from "./asks/Asks";
import { Composer } from "./Composer";
import { type PaneTab, panesFor, SessionContext } from "./context";
import { DriveBar } from "./drive/DriveBar";
import { ChildrenBar } from "./family/ChildrenBar";
import { Header } from "./Header";
import { Onlooker } from "./Onlooker";
import { PhoneBar } from "./PhoneBar";
import { PlanBar } from "./PlanBar";
import { PaneBar, PaneStack } from "./pane/Pane";
import { Splitter } from "./pane/Splitter";
import { usePane } from "./pane/use-pane";
import { RewindBar } from "./rewind/RewindBar";
import { ShareDialog } from "./share/ShareDialog";
import { TranscriptView } from "./Transcript";

const PANE_MIN = 360;
const NO_KEYS = {};
const keysOf = (key: string, handler: () => void) => ({ [key]: handler });

export function SessionPage({ id }: { id: string }) {
  const log = useMemo(() => sessionLog(id), [id]);
  const read = useSyncExternalStore(log.subscribe, log.snapshot);
  const { transcript, error: logError } = read;
  const { session, error: sessionError } = useSession(id);
  const [failure, setFailure] = useState<Error | null>(null);
  const [sharing, setSharing] = useState(false);
  const [wantsFull, setFull] = useState(false);
  const wide = useWide();
  const drives = drivesIt(session);
  const { tab, chosen, place, solo, show, close } = usePane(interest(transcript), wide, drives);
  const full = solo || (wantsFull && wide && tab !== null);

  const actions = useMemo(() => sessionActions(id), [id]);
  const typing = useMemo(() => new Typing(id), [id]);
  const act = useCallback(
    async (deed: Promise<unknown>) => {
      try {
        await deed;
        typing.done();
        setFailure(null);
        return true;
      } catch (error) {
        setFailure(error instanceof Error ? error : new Unreachable());
        return false;
      }
    },
    [typing],
  );
  const share = useCallback(() => setSharing(true), []);
  const leaveFull = useCallback(() => setFull(false), []);
  const opens = (name: PaneTab) => () => {
    if (panesFor(drives).includes(name)) show(name);
  };
  useKeys({
    c: opens("changes"),
    v: opens("editor"),
    b: opens("browser"),
    t: opens("terminal"),
    p: opens("preview"),
    d: opens("details"),
    f: () => setFull((before) => tab !== null && !before),
    s: share,
  });
  useKeys(full && !solo ? keysOf("Escape", leaveFull) : NO_KEYS);

  const state = transcript.state ?? session?.state ?? "queued";
  const page = useMemo(
    () => ({
      ...{ id, session, drives, transcript, state },
      ...{ actions, act, showPane: show, place, share, full },
    }),
    [id, session, drives, transcript, state, actions, act, show, place, share, full],
  );

  const gone = [logError, sessionError].find(
    (error) => error instanceof Refusal && (error.status === 404 || error.status === 403),
  );
  if (gone) return <Gone error={gone} />;

  const problem = failure && (
    <div className="mb-2">
      <ErrorProblem error={failure} />
    </div>
  );
  const paneOnly = !wide && tab !== null;
  return (
    <SessionContext value={page}>
      {/* One tree for every width: what runs in a pane lives on when the window changes. */}
      <div
        data-testid={solo ? "pane-solo" : undefined}
        className={clsx(
          "flex min-h-0 flex-1 flex-col bg-paper",
          full && !solo && "fixed inset-0 z-30",
        )}
      >
        <DriveBar failure={full || paneOnly ? problem : null} />
        <div className="flex min-h-0 flex-1 max-lg:flex-col">
          {!solo && (
            <main
              className={clsx(
                "flex min-w-0 flex-col",
                full && "hidden",
                paneOnly ? "shrink-0" : "min-h-0 flex-1",
              )}
            >
              <Header paneOpen={!wide || tab !== null} />
              <div className={clsx("flex min-h-0 min-w-0 flex-1 flex-col", paneOnly && "hidden")}>
                <TranscriptView log={log} read={read} />
                <div
                  className="mx-auto w-full max-w-[var(--column)] px-3 pb-3 sm:px-6 sm:pb-4"
                  onInput={({ target }) => {
                    if (target instanceof HTMLTextAreaElement) typing.typed(target.value);
                  }}
                >
                  {problem}
                  <RewindBar />
                  <Asks />
                  <ChildrenBar />
                  <PlanBar />
                  {drives ? <Composer /> : <Onlooker />}
                </div>
              </div>
            </main>
          )}
          <Beside open={tab !== null} wide={wide} full={full}>
            {wide && tab && !solo && (
              <PaneBar
                tab={tab}
                onFull={() => setFull(!wantsFull)}
                onClose={() => {
                  setFull(false);
                  close();
                }}
              />
            )}
            <PaneStack
              tab={tab}
              onTouch={() => {
                if (tab && !chosen) show(tab);
              }}
            />
          </Beside>
        </div>
        {session && (
          <ShareDialog session={session} open={sharing} onClose={() => setSharing(false)} />
        )}
        {!wide && !solo && <PhoneBar tab={tab} onChat={close} />}
      </div>
    </SessionContext>
  );
}

/** Where the pane stands: as wide as the reader likes it, or all there is. */
function Beside({
  open,
  wide,
  full,
  children,
}: {
  open: boolean;
  wide: boolean;
  full: boolean;
  children: React.ReactNode;
}) {
  const [width, setWidth] = useStored("pane.width", Math.round(window.innerWidth * 0.42));
  const [room, setRoom] = useState(window.innerWidth);
  const [dragged, setDragged] = useState(false);
  useEffect(() => {
    const measure = () => setRoom(window.innerWidth);
    window.addEventListener("resize", measure);
    return () => window.removeEventListener("resize", measure);
  }, []);
  const max = Math.max(PANE_MIN, room - 272 - 420);
  const shown = Math.min(max, Math.max(PANE_MIN, width));
  const beside = wide && !full;
  return (
    <>
      {beside && open && (
        <Splitter
          width={shown}
          min={PANE_MIN}
          max={max}
          onChange={setWidth}
          onDragged={setDragged}
        />
      )}
      <aside
        aria-label="Pane"
        className={clsx(
          "min-h-0 min-w-0 flex-col bg-paper",
          open ? "flex" : "hidden",
          beside ? "shrink-0" : "flex-1",
          // A frame would take the pointer from the line that is being dragged.
          dragged && "pointer-events-none",
        )}
        style={beside ? { width: shown } : undefined}
      >
        {children}
      </aside>
    </>
  );
}

function Gone({ error }: { error: Error }) {
  const missing = error instanceof Refusal && error.status === 404;
  return (
    <main className="grid flex-1 place-items-center p-6">
      <div className="max-w-md">
        <h1 className="text-18 font-semibold">
          {missing ? "This session is not there" : "This session is not yours to see"}
        </h1>
        <p className="mt-2 text-ink-2">
          {missing ? "It was deleted, or the address was mistyped." : error.message}
        </p>
        <Link to="/" className="mt-4 inline-block text-accent-text underline underline-offset-4">
          Go home
        </Link>
      </div>
    </main>
  );
}
