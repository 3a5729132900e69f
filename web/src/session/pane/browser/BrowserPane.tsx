import { ClipboardCopy, ClipboardPaste, Keyboard } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { environment, socketUrl } from "@/api/environment";
import { Button, IconButton } from "@/ui/Button";
import { copyText } from "@/ui/CopyButton";
import { Dialog } from "@/ui/Dialog";
import { ErrorProblem } from "@/ui/Problem";
import { useSessionPage } from "../../context";
import { Resting } from "../../sleep/Resting";
import { leaveToComposer } from "../leave";
import { PaneNote, ServiceProgress } from "../ServiceProgress";
import { useSandbox } from "../use-sandbox";
import type { Desktop } from "./desktop";

/** A screen that nobody looks at is given back after this, in milliseconds. */
const HIDDEN_MS = 30_000;
const AGAIN_MS = [500, 1000, 2000, 4000, 8000];

type Phase =
  | { name: "asleep" }
  | { name: "connecting"; since: string; again: boolean }
  | { name: "open" }
  | { name: "failed"; error: Error };

/** The sandbox's own browser, to look at and to work in, beside the agent that uses it too. */
export default function BrowserPane({ visible }: { visible: boolean }) {
  const { id, transcript } = useSessionPage();
  const { ready } = useSandbox();
  const place = useRef<HTMLDivElement>(null);
  const desktop = useRef<Desktop | null>(null);
  const [phase, setPhase] = useState<Phase>({ name: "asleep" });
  const [attempt, setAttempt] = useState(0);
  const [copied, setCopied] = useState<string | null>(null);
  const looked = useLinger(visible, HIDDEN_MS);
  const wanted = ready && looked;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `attempt` starts it anew
  useEffect(() => {
    const element = place.current;
    if (!wanted || !element) {
      setPhase({ name: "asleep" });
      return;
    }
    let over = false;
    let tries = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const connect = async (again: boolean) => {
      setPhase({ name: "connecting", since: new Date().toISOString(), again });
      try {
        const [{ openDesktop }] = await Promise.all([
          import("./desktop"),
          environment.startService(id, "desktop"),
        ]);
        if (over) return;
        desktop.current = openDesktop(element, socketUrl(id, "desktop"), {
          opened() {
            tries = 0;
            setPhase({ name: "open" });
          },
          closed(problem) {
            desktop.current = null;
            if (over) return;
            if (problem) {
              setPhase({ name: "failed", error: new Error(problem) });
              return;
            }
            setPhase({ name: "connecting", since: new Date().toISOString(), again: true });
            timer = setTimeout(
              () => void connect(true),
              AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)],
            );
          },
          copied(text) {
            setCopied(text);
            if (document.hasFocus()) void copyText(text).catch(() => {});
          },
          leave: leaveToComposer,
        });
      } catch (error) {
        if (!over) setPhase({ name: "failed", error: error as Error });
      }
    };
    void connect(false);
    return () => {
      over = true;
      clearTimeout(timer);
      desktop.current?.close();
      desktop.current = null;
    };
  }, [id, wanted, attempt]);

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <Toolbar desktop={desktop} open={phase.name === "open"} copied={copied} />
      <div className="relative flex min-h-0 flex-1 bg-sunken">
        <div
          ref={place}
          data-testid="desktop-canvas"
          data-state={phase.name}
          data-own-keys
          className="absolute inset-0 focus-within:outline-2 focus-within:-outline-offset-2 focus-within:outline-accent"
        />
        {phase.name === "connecting" && (
          <div className="absolute inset-0 flex">
            {phase.again ? (
              <PaneNote>
                <p className="text-13 text-ink-2" role="status">
                  The connection to the sandbox’s screen was lost. Trying again…
                </p>
              </PaneNote>
            ) : (
              <ServiceProgress
                title="Starting the browser"
                hint="It runs while someone looks at it or the agent uses it."
                service={transcript.services.desktop}
                since={phase.since}
              />
            )}
          </div>
        )}
        {phase.name === "failed" && (
          <div className="absolute inset-0 flex">
            <PaneNote>
              <ErrorProblem error={phase.error} />
              <Button className="mt-3" onClick={() => setAttempt(attempt + 1)}>
                Try again
              </Button>
            </PaneNote>
          </div>
        )}
        {phase.name === "asleep" && (
          <div className="absolute inset-0 flex">
            <Resting />
          </div>
        )}
      </div>
    </div>
  );
}

/** True while it is looked at, and a while longer: the pane in front, and the page too. */
function useLinger(visible: boolean, ms: number): boolean {
  const [hidden, setHidden] = useState(document.hidden);
  const [lingers, setLingers] = useState(visible);
  useEffect(() => {
    const changed = () => setHidden(document.hidden);
    document.addEventListener("visibilitychange", changed);
    return () => document.removeEventListener("visibilitychange", changed);
  }, []);
  const looked = visible && !hidden;
  useEffect(() => {
    if (looked) {
      setLingers(true);
      return;
    }
    const timer = setTimeout(() => setLingers(false), ms);
    return () => clearTimeout(timer);
  }, [looked, ms]);
  return looked || lingers;
}

function Toolbar({
  desktop,
  open,
  copied,
}: {
  desktop: React.RefObject<Desktop | null>;
  open: boolean;
  copied: string | null;
}) {
  const [asking, setAsking] = useState(false);
  const [text, setText] = useState("");
  const keyboard = useRef<HTMLTextAreaElement>(null);
  const paste = (what: string) => {
    desktop.current?.paste(what, true);
    desktop.current?.focus();
  };
  const pasteOwn = async () => {
    try {
      paste(await navigator.clipboard.readText());
    } catch {
      setAsking(true);
    }
  };
  return (
    <div className="flex h-9 shrink-0 items-center gap-1 border-b pr-1 pl-3 text-12 text-ink-3">
      <span className="min-w-0 truncate">The agent uses this browser too</span>
      <span className="ml-auto flex shrink-0">
        <span className="hidden pointer-coarse:block">
          <IconButton
            label="Show the keyboard"
            disabled={!open}
            onClick={() => keyboard.current?.focus()}
          >
            <Keyboard size={15} />
          </IconButton>
        </span>
        <IconButton
          label={copied ? "Copy what was copied there" : "Nothing was copied there yet"}
          disabled={!open || copied === null}
          onClick={() => copied !== null && void copyText(copied)}
        >
          <ClipboardCopy size={15} />
        </IconButton>
        <IconButton
          label="Paste your clipboard there"
          disabled={!open}
          onClick={() => void pasteOwn()}
        >
          <ClipboardPaste size={15} />
        </IconButton>
      </span>
      {/* A thumb's keyboard writes into a field, from which it goes on to the sandbox. */}
      <textarea
        ref={keyboard}
        aria-label="Write into the sandbox’s browser"
        tabIndex={-1}
        value=""
        autoCapitalize="off"
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => desktop.current?.type(event.target.value)}
        onKeyDown={(event) => event.key === "Backspace" && desktop.current?.backspace()}
        className="pointer-events-none fixed bottom-0 left-0 size-px opacity-0"
      />
      <Dialog open={asking} onClose={() => setAsking(false)} title="Paste into the sandbox">
        <p className="text-13 text-ink-2">
          This page may not read your clipboard. Paste the text here instead.
        </p>
        <textarea
          aria-label="Text"
          value={text}
          rows={5}
          onChange={(event) => setText(event.target.value)}
          className="mt-3 w-full rounded-md border border-line-strong bg-sunken p-2 font-mono text-12"
        />
        <Button
          look="main"
          className="mt-3"
          disabled={!text}
          onClick={() => {
            setAsking(false);
            paste(text);
            setText("");
          }}
        >
          Paste
        </Button>
      </Dialog>
    </div>
  );
}
