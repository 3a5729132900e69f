import { ExternalLink } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { environment } from "@/api/environment";
import type { AppView } from "@/api/types";
import { Button } from "@/ui/Button";
import { ErrorProblem } from "@/ui/Problem";
import { useSessionPage } from "../../context";
import { Resting } from "../../sleep/Resting";
import { Frame } from "../Frame";
import { PaneNote, ServiceProgress } from "../ServiceProgress";
import { useSandbox } from "../use-sandbox";

type Phase =
  | { name: "asleep" }
  | { name: "starting"; since: string }
  | { name: "open"; view: AppView; seq: number }
  | { name: "failed"; error: Error };

/** VS Code on the session's files, started when it is first looked at. */
export default function EditorPane({ visible }: { visible: boolean }) {
  const { id, transcript } = useSessionPage();
  const { ready } = useSandbox();
  const [phase, setPhase] = useState<Phase>({ name: "asleep" });
  const seq = useRef(0);
  seq.current = transcript.lastSeq;
  const run = useRef(0);
  const service = transcript.services.editor;

  const open = useCallback(
    async (start: boolean) => {
      const mine = ++run.current;
      const set = (next: Phase) => mine === run.current && setPhase(next);
      try {
        if (start) {
          set({ name: "starting", since: new Date().toISOString() });
          await environment.startService(id, "editor");
        }
        const view = await environment.view(id, "editor");
        set({ name: "open", view, seq: seq.current });
      } catch (error) {
        set({ name: "failed", error: error as Error });
      }
    },
    [id],
  );

  const asleep = phase.name === "asleep";
  useEffect(() => {
    // A sandbox that comes back has no editor until somebody looks at it.
    if (!ready) setPhase((before) => (before.name === "open" ? { name: "asleep" } : before));
  }, [ready]);
  useEffect(() => {
    if (visible && ready && asleep) void open(true);
  }, [visible, ready, asleep, open]);

  if (phase.name === "open") {
    // An event from before the start is of the time before it.
    const over = service && service.seq > phase.seq ? service.state : null;
    if (over === "stopped" || over === "failed") {
      return (
        <PaneNote>
          <p className="font-semibold">
            {over === "failed" ? "VS Code broke down" : "VS Code was stopped"}
          </p>
          <p className="mt-1 text-13 text-ink-2">
            {over === "failed"
              ? (service?.detail ?? "It ended by itself.")
              : service?.detail === "unused"
                ? "Nobody used it for a while. Your files and settings are as you left them."
                : (service?.detail ?? "Your files and settings are as you left them.")}
          </p>
          <Button look="main" className="mt-4" onClick={() => void open(true)}>
            Start again
          </Button>
        </PaneNote>
      );
    }
    return (
      <div className="relative flex min-h-0 flex-1 flex-col">
        <div className="flex h-9 shrink-0 items-center gap-2 border-b pr-2 pl-3 text-12 text-ink-3">
          <span className="min-w-0 truncate">{phase.view.notice ?? "VS Code in /workspace"}</span>
          <a
            href={phase.view.link}
            target="_blank"
            rel="noreferrer"
            className="target ml-auto inline-flex shrink-0 items-center gap-1.5 rounded-md px-2 py-1 transition-colors hover:bg-hover hover:text-ink"
          >
            <ExternalLink size={13} /> Own tab
          </a>
        </div>
        <Frame
          view={phase.view}
          onExpired={() => void open(false)}
          title="VS Code"
          data-testid="editor-frame"
          className="min-h-0 w-full flex-1 bg-sunken"
        />
      </div>
    );
  }
  if (phase.name === "failed") {
    return (
      <PaneNote>
        <ErrorProblem error={phase.error} />
        <Button className="mt-3" onClick={() => void open(true)}>
          Try again
        </Button>
      </PaneNote>
    );
  }
  if (phase.name === "starting") {
    return (
      <ServiceProgress
        title="Starting VS Code"
        hint="The first start in a sandbox takes longest."
        service={service}
        since={phase.since}
      />
    );
  }
  return <Resting />;
}
