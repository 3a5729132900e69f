import { clsx } from "clsx";
import { ChevronRight } from "lucide-react";
import { memo, type ReactNode } from "react";
import type { SetupBlock, SetupPurpose, StageName, StageView } from "@/log/model";
import { Bar } from "@/ui/Bar";
import { duration, Elapsed } from "@/ui/time";
import { useSessionPage } from "../context";
import { useOpened } from "../use-opened";

const WORDS: Record<StageName, string> = {
  copy: "Copy",
  image: "Image",
  container: "Container",
  connect: "Connection",
  clone: "Clone",
  agent: "Agent",
  commands: "Set-up",
  stop: "Stopping",
  snapshot: "Files",
};
const EXPECTED: StageName[] = ["container", "connect", "clone", "agent"];

const DONE: Record<SetupPurpose, string> = {
  start: "Ready in",
  wake: "Awake in",
  sleep: "Put to sleep in",
  keep: "Files put away in",
  again: "Set up again in",
};

const stroke = {
  fill: "none",
  stroke: "currentColor",
  strokeWidth: 1.6,
  strokeLinecap: "round",
} as const;
const ring = <circle cx="6" cy="6" r="4" {...stroke} strokeWidth={1.5} />;
const half = (
  <>
    {ring}
    <path d="M6 2a4 4 0 0 1 0 8z" fill="currentColor" />
  </>
);

const MARKS: Record<
  StageView["status"] | "ahead",
  { tone: string; shape: ReactNode; word: string }
> = {
  ahead: { tone: "text-ink-3", shape: ring, word: "not done" },
  started: { tone: "text-info", shape: half, word: "under way" },
  progress: { tone: "text-info", shape: half, word: "under way" },
  done: { tone: "text-good", shape: <path d="m2 6.4 2.7 2.7L10 3.2" {...stroke} />, word: "done" },
  failed: {
    tone: "text-bad",
    shape: <path d="m2.6 2.6 6.8 6.8m0-6.8L2.6 9.4" {...stroke} />,
    word: "failed",
  },
};

function Mark({ status }: { status: keyof typeof MARKS }) {
  const { tone, shape, word } = MARKS[status];
  return (
    <svg viewBox="0 0 12 12" role="img" aria-label={word} className={clsx("size-3 shrink-0", tone)}>
      {shape}
    </svg>
  );
}

/** From the first stage's beginning to the last one's end, in milliseconds. */
export function totalTime(stages: readonly StageView[]): number {
  const begin = Math.min(...stages.map((stage) => Date.parse(stage.at)));
  return Math.max(...stages.map((stage) => Date.parse(stage.at) + (stage.ms ?? 0))) - begin;
}

/** Getting a sandbox ready: its stages while it lasts, one line afterwards. */
export const Setup = memo(function Setup({ block }: { block: SetupBlock }) {
  const [open, toggle] = useOpened(block.key, false);
  const failed = block.stages.some((stage) => stage.status === "failed");
  if (block.open || failed) return <Stages block={block} />;
  return (
    <div className="py-1">
      <button
        type="button"
        aria-expanded={open}
        onClick={toggle}
        className="target -ml-2 flex max-w-full flex-wrap items-center gap-x-2 rounded-md px-2 py-0.5 text-left text-13 text-ink-3 transition-colors hover:bg-hover"
      >
        <Mark status="done" />
        <span className="text-ink-2">
          {DONE[block.purpose]} {duration(totalTime(block.stages))}
        </span>
        {!open &&
          block.stages.length > 1 &&
          block.stages.map((stage) => (
            <span
              key={stage.name}
              data-testid={`stage-${stage.name}`}
              data-status={stage.status}
              className="text-12 tabular-nums max-sm:hidden"
            >
              {WORDS[stage.name].toLowerCase()} {stage.ms !== null && duration(stage.ms)}
            </span>
          ))}
        <ChevronRight size={14} className={clsx("transition-transform", open && "rotate-90")} />
      </button>
      {open && <Stages block={block} />}
    </div>
  );
});

function Stages({ block }: { block: SetupBlock }) {
  const { session } = useSessionPage();
  const known = new Map(block.stages.map((stage) => [stage.name, stage]));
  const expected = EXPECTED.filter(
    (name) => name !== "clone" || (session?.repository && block.purpose === "start"),
  );
  const names = new Set<StageName>([
    ...(known.has("image") ? (["image"] as const) : []),
    ...(block.open && known.has("container") ? expected : []),
    ...block.stages.map((stage) => stage.name),
  ]);
  const order: StageName[] = ["copy", "image", ...EXPECTED, "commands", "stop", "snapshot"];
  return (
    <ol className="my-2 rounded-md border bg-raised py-1" aria-label="Getting ready">
      {order
        .filter((name) => names.has(name))
        .map((name) => (
          <StageLine key={name} name={name} stage={known.get(name)} over={!block.open} />
        ))}
    </ol>
  );
}

function StageLine({
  name,
  stage,
  over,
}: {
  name: StageName;
  stage: StageView | undefined;
  /** The set-up has ended, so that a stage without an end will not have one. */
  over: boolean;
}) {
  const said = stage?.status ?? "ahead";
  const status = over && (said === "started" || said === "progress") ? "ahead" : said;
  const busy = status === "started" || status === "progress";
  return (
    <li
      data-testid={`stage-${name}`}
      data-status={status}
      className={clsx("px-3 py-1.5 text-13", status === "ahead" && "text-ink-3")}
    >
      <div className="flex items-center gap-2.5">
        <Mark status={status} />
        <span className="w-20 shrink-0">{WORDS[name]}</span>
        <span className="min-w-0 truncate text-ink-3" title={stage?.detail ?? undefined}>
          {stage?.detail}
        </span>
        <span className="ml-auto shrink-0 pl-2 text-12 text-ink-3 tabular-nums">
          {stage && (busy ? <Elapsed since={stage.at} /> : stage.ms !== null && duration(stage.ms))}
        </span>
      </div>
      {busy && stage?.progress !== null && stage?.progress !== undefined && (
        <Bar value={stage.progress} label={WORDS[name]} className="mt-2 ml-[22px]" />
      )}
    </li>
  );
}
