import { clsx } from "clsx";
import { ChevronRight, LoaderCircle } from "lucide-react";
import { memo, useMemo } from "react";
import type { ToolBlock } from "@/log/model";
import type { Run } from "@/log/rows";
import { parseDiff } from "@/text/diff";
import { Counts } from "@/ui/Counts";
import { duration, Elapsed, exact } from "@/ui/time";
import { useOpened } from "../use-opened";
import { Pictures } from "./Pictures";
import { ToolBody } from "./ToolBody";
import { readsInWords, wordsOf } from "./words";

/** Lines of tools that follow on each other share one card. */
export const RUN: Record<Run, string> = {
  only: "rounded-md border my-1.5",
  first: "rounded-t-md border mt-1.5",
  middle: "border-x border-b",
  last: "rounded-b-md border-x border-b mb-1.5",
};

/** What took less is not worth a number, in milliseconds. */
const BRIEF = 50;

const running = (tool: ToolBlock) => tool.status === "pending" || tool.status === "in_progress";

/** One tool call: a line until it is opened. A failed command opens itself, a running one shows what it prints. */
export const ToolCard = memo(function ToolCard({ tool, run }: { tool: ToolBlock; run: Run }) {
  const isCommand = tool.toolKind === "execute";
  const [open, toggle] = useOpened(
    tool.key,
    isCommand && (tool.status === "failed" || (running(tool) && tool.output !== "")),
  );
  return (
    <div
      data-testid="tool-card"
      data-tool={tool.tool}
      data-status={tool.status}
      data-tool-id={tool.id}
      className={clsx("overflow-hidden bg-raised", RUN[run])}
    >
      <Line tool={tool} open={open} toggle={toggle} />
      {tool.pictures.length > 0 && <Pictures tool={tool} />}
      {open && <ToolBody tool={tool} />}
    </div>
  );
});

function Line({ tool, open, toggle }: { tool: ToolBlock; open: boolean; toggle: () => void }) {
  const { Icon, verb, object } = wordsOf(tool);
  const failed = tool.status === "failed";
  return (
    <button
      type="button"
      aria-expanded={open}
      onClick={toggle}
      className="quiet-ring target group flex h-8 w-full items-center gap-2 px-3 text-left text-13 transition-colors hover:bg-hover"
    >
      {tool.status === "in_progress" ? (
        <LoaderCircle
          size={14}
          className="shrink-0 animate-spin text-accent-text motion-reduce:animate-none"
        />
      ) : (
        <Icon size={14} className={clsx("shrink-0", failed ? "text-bad" : "text-ink-3")} />
      )}
      <span className="shrink-0">{verb}</span>
      <span className="min-w-0 truncate font-mono text-12 text-ink-2" title={object}>
        {object}
      </span>
      {failed && <span className="shrink-0 text-12 text-bad">failed</span>}
      {tool.status === "stopped" && <span className="shrink-0 text-12 text-ink-3">stopped</span>}
      <span className="ml-auto flex shrink-0 items-center gap-3 pl-2 text-12 text-ink-3">
        {tool.diff && <DiffCounts diff={tool.diff} />}
        <span className="tabular-nums" title={exact(tool.at)}>
          {tool.status === "in_progress" ? (
            <Elapsed since={tool.at} />
          ) : (
            tool.ms !== null && tool.ms >= BRIEF && duration(tool.ms)
          )}
        </span>
        <ChevronRight size={14} className={clsx("transition-transform", open && "rotate-90")} />
      </span>
    </button>
  );
}

function DiffCounts({ diff }: { diff: string }) {
  const [additions, deletions] = useMemo(() => {
    const files = parseDiff(diff);
    return [
      files.reduce((sum, file) => sum + file.additions, 0),
      files.reduce((sum, file) => sum + file.deletions, 0),
    ];
  }, [diff]);
  return <Counts additions={additions} deletions={deletions} />;
}

/** A long run of reads and searches: one line, of which each can be opened. */
export const ReadsCard = memo(function ReadsCard({
  id,
  tools,
  run,
}: {
  id: string;
  tools: readonly ToolBlock[];
  run: Run;
}) {
  const [open, toggle] = useOpened(id, false);
  const last = tools.at(-1);
  const busy = last !== undefined && running(last);
  const ms = tools.reduce((sum, tool) => sum + (tool.ms ?? 0), 0);
  const { Icon } = tools[0] ? wordsOf(tools[0]) : { Icon: ChevronRight };
  return (
    <div data-testid="reads-card" className={clsx("overflow-hidden bg-raised", RUN[run])}>
      <button
        type="button"
        aria-expanded={open}
        onClick={toggle}
        className="quiet-ring target flex h-8 w-full items-center gap-2 px-3 text-left text-13 transition-colors hover:bg-hover"
      >
        {busy ? (
          <LoaderCircle
            size={14}
            className="shrink-0 animate-spin text-accent-text motion-reduce:animate-none"
          />
        ) : (
          <Icon size={14} className="shrink-0 text-ink-3" />
        )}
        <span className="shrink-0">{readsInWords(tools)}</span>
        {busy && (
          <span className="min-w-0 truncate font-mono text-12 text-ink-2">
            {wordsOf(last).object}
          </span>
        )}
        <span className="ml-auto flex shrink-0 items-center gap-3 pl-2 text-12 text-ink-3">
          {ms >= BRIEF && <span className="tabular-nums">{duration(ms)}</span>}
          <ChevronRight size={14} className={clsx("transition-transform", open && "rotate-90")} />
        </span>
      </button>
      {open && (
        <div className="border-t pl-4">
          {tools.map((tool, index) => (
            <div key={tool.key} className={clsx("border-l", index > 0 && "border-t")}>
              <Nested tool={tool} />
            </div>
          ))}
        </div>
      )}
    </div>
  );
});

function Nested({ tool }: { tool: ToolBlock }) {
  const [open, toggle] = useOpened(tool.key, false);
  return (
    <div data-testid="tool-card" data-tool={tool.tool} data-status={tool.status}>
      <Line tool={tool} open={open} toggle={toggle} />
      {tool.pictures.length > 0 && <Pictures tool={tool} />}
      {open && <ToolBody tool={tool} />}
    </div>
  );
}
