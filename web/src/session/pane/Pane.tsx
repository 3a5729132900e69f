import { clsx } from "clsx";
import {
  AppWindow,
  Code,
  ExternalLink,
  FileDiff,
  Globe,
  Info,
  type LucideIcon,
  Maximize2,
  Minimize2,
  SquareTerminal,
  X,
} from "lucide-react";
import { lazy, type ReactNode, Suspense, useRef } from "react";
import { IconButton } from "@/ui/Button";
import { PANE_TABS, type PaneTab, panesFor, useSessionPage } from "../context";
import { Changes } from "./Changes";
import { Details } from "./Details";
import { PaneNote } from "./ServiceProgress";

const EditorPane = lazy(() => import("./editor/EditorPane"));
const BrowserPane = lazy(() => import("./browser/BrowserPane"));
const TerminalPane = lazy(() => import("./terminal/TerminalPane"));
const PreviewPane = lazy(() => import("./preview/PreviewPane"));

export const PANES: Record<PaneTab, { label: string; Icon: LucideIcon; testId: string }> = {
  changes: { label: "Changes", Icon: FileDiff, testId: "changes-tab" },
  editor: { label: "Editor", Icon: Code, testId: "pane-tab-editor" },
  browser: { label: "Browser", Icon: Globe, testId: "pane-tab-browser" },
  terminal: { label: "Terminal", Icon: SquareTerminal, testId: "pane-tab-terminal" },
  preview: { label: "Preview", Icon: AppWindow, testId: "pane-tab-preview" },
  details: { label: "Details", Icon: Info, testId: "details-tab" },
};

/** How many there are of what a pane shows, where that is worth a number. */
export function useCounts(): Partial<Record<PaneTab, number>> {
  const { transcript } = useSessionPage();
  return { changes: transcript.workspace?.files.length ?? 0, preview: transcript.ports.length };
}

/** The tabs above the pane; and what makes it larger, parts it off or closes it. */
export function PaneBar({
  tab,
  onFull,
  onClose,
}: {
  tab: PaneTab;
  onFull: () => void;
  onClose: () => void;
}) {
  const { id, drives, showPane, full, place } = useSessionPage();
  const counts = useCounts();
  const soloUrl = () => {
    const search = new URLSearchParams({ pane: tab, solo: "1" });
    if (tab === "terminal" && place.terminal) search.set("terminal", place.terminal);
    return `/sessions/${encodeURIComponent(id)}?${search}`;
  };
  return (
    <div className="flex h-14 shrink-0 items-end border-b pr-2 pl-2">
      <div
        role="tablist"
        aria-label="Pane"
        className="flex min-w-0 items-end overflow-x-auto [scrollbar-width:none]"
      >
        {panesFor(drives).map((name) => (
          <Tab key={name} name={name} chosen={name === tab} onChoose={() => showPane(name)}>
            {PANES[name].label}
            {(counts[name] ?? 0) > 0 && (
              <span className="text-ink-3 tabular-nums"> {counts[name]}</span>
            )}
          </Tab>
        ))}
      </div>
      <div className="mb-3 ml-auto flex shrink-0 pl-1">
        {(tab === "browser" || tab === "terminal") && (
          <a
            href={soloUrl()}
            target="_blank"
            rel="noreferrer"
            aria-label="Open in a tab of its own"
            title="Open in a tab of its own"
            className="target inline-flex size-8 items-center justify-center rounded-md text-ink-3 transition-colors hover:bg-hover hover:text-ink"
          >
            <ExternalLink size={15} />
          </a>
        )}
        <IconButton
          label={full ? "Back beside the transcript (Esc)" : "Full window (F)"}
          data-testid="pane-full"
          aria-pressed={full}
          onClick={onFull}
        >
          {full ? <Minimize2 size={15} /> : <Maximize2 size={15} />}
        </IconButton>
        <IconButton label="Close the pane" onClick={onClose}>
          <X size={16} />
        </IconButton>
      </div>
    </div>
  );
}

function Tab({
  name,
  chosen,
  onChoose,
  children,
}: {
  name: PaneTab;
  chosen: boolean;
  onChoose: () => void;
  children: ReactNode;
}) {
  return (
    <button
      type="button"
      role="tab"
      aria-selected={chosen}
      data-testid={PANES[name].testId}
      onClick={onChoose}
      className={clsx(
        "quiet-ring -mb-px h-10 shrink-0 border-b-2 px-2 text-13 whitespace-nowrap transition-colors",
        chosen ? "border-accent text-ink" : "border-transparent text-ink-3 hover:text-ink",
      )}
    >
      {children}
    </button>
  );
}

/**
 * The chosen pane, and hidden behind it those that were looked at before: an editor keeps its open
 * files and a terminal its screen while another pane is in front.
 */
export function PaneStack({ tab, onTouch }: { tab: PaneTab | null; onTouch: () => void }) {
  const visited = useRef(new Set<PaneTab>());
  if (tab) visited.current.add(tab);
  return (
    <div className="relative min-h-0 flex-1">
      {PANE_TABS.filter((name) => visited.current.has(name)).map((name) => (
        <div
          key={name}
          role="tabpanel"
          aria-label={PANES[name].label}
          aria-hidden={name !== tab}
          onPointerDownCapture={onTouch}
          className={clsx(
            "absolute inset-0 flex flex-col",
            name !== tab && "pointer-events-none invisible",
            (name === "changes" || name === "details") && "overflow-y-auto",
          )}
        >
          <Suspense fallback={<p className="p-6 text-13 text-ink-3">One moment…</p>}>
            <PaneBody name={name} visible={name === tab} />
          </Suspense>
        </div>
      ))}
    </div>
  );
}

function PaneBody({ name, visible }: { name: PaneTab; visible: boolean }) {
  const { session, drives } = useSessionPage();
  // Nothing of the sandbox is asked for before it is known that the reader may.
  if (!panesFor(drives && session !== undefined).includes(name)) return session && <NotForYou />;
  switch (name) {
    case "changes":
      return <Changes />;
    case "details":
      return <Details visible={visible} />;
    case "editor":
      return <EditorPane visible={visible} />;
    case "browser":
      return <BrowserPane visible={visible} />;
    case "terminal":
      return <TerminalPane visible={visible} />;
    case "preview":
      return <PreviewPane visible={visible} />;
  }
}

/** An address led to a pane that looks into the sandbox, which takes a driver. */
function NotForYou() {
  const { session } = useSessionPage();
  return (
    <PaneNote>
      <p className="text-13 text-ink-2" role="status">
        The sandbox is open to drivers of this session. Ask {session?.author} to make you one.
      </p>
    </PaneNote>
  );
}
