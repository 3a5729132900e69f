import { clsx } from "clsx";
import { AppWindow, ChevronRight, CirclePause, CirclePlay } from "lucide-react";
import { memo } from "react";
import type { DriveCommand } from "@/api/types";
import type { DriveBlock, HandBackBlock, PortBlock, PromptBlock } from "@/log/model";
import { Counts } from "@/ui/Counts";
import { Ago, duration } from "@/ui/time";
import { useSessionPage } from "../context";
import { useOpened } from "../use-opened";
import { Mark } from "./Marks";

/** Something in the sandbox began to listen. */
export const PortView = memo(function PortView({ block }: { block: PortBlock }) {
  const { drives, showPane, transcript } = useSessionPage();
  const listens = transcript.ports.some((port) => port.port === block.port);
  return (
    <Mark icon={<AppWindow size={14} />} at={block.at} testId="port-mark">
      Port <span className="font-mono text-12">{block.port}</span>{" "}
      {listens ? "is listening" : "was listening"}
      {block.process && <span className="text-ink-3"> ({block.process})</span>}
      {listens && drives && (
        <>
          {" · "}
          <button
            type="button"
            onClick={() => showPane("preview", { port: block.port })}
            className="text-accent-text underline underline-offset-4"
          >
            Open
          </button>
        </>
      )}
    </Mark>
  );
});

export const DriveView = memo(function DriveView({ block }: { block: DriveBlock }) {
  return (
    <Mark icon={<CirclePause size={14} />} at={block.at} testId="drive-mark">
      {block.status === "requested"
        ? `${block.by} asked to drive: the agent stops at the next safe point.`
        : `${block.by} drives. The agent rests.`}
    </Mark>
  );
});

/** What a person did while they drove: one line, with the files and commands folded in it. */
export const HandBackView = memo(function HandBackView({ block }: { block: HandBackBlock }) {
  const { by, note, files, commands, ms } = block;
  const [open, toggle] = useOpened(block.key, false);
  if (ms === null && files.length === 0 && commands.length === 0) {
    return (
      <Mark icon={<CirclePlay size={14} />} at={block.at} testId="hand-back-mark">
        {by} let the agent go on.
      </Mark>
    );
  }
  const facts = [
    plural(files.length, "file", "files"),
    plural(commands.length, "command", "commands"),
  ].filter((fact) => fact !== null);
  const empty = facts.length === 0;
  return (
    <div
      data-testid="hand-back-mark"
      className="my-2 overflow-hidden rounded-md border border-accent-line bg-raised"
    >
      <button
        type="button"
        aria-expanded={open}
        disabled={empty}
        onClick={toggle}
        className="quiet-ring target flex min-h-9 w-full items-center gap-2 px-3 py-1.5 text-left text-13 transition-colors enabled:hover:bg-hover"
      >
        <CirclePlay size={14} className="shrink-0 text-accent-text" />
        <span className="min-w-0">
          {by} handed back{ms !== null && ` after ${duration(ms)}`}
          <span className="text-ink-3"> · {empty ? "nothing changed" : facts.join(", ")}</span>
        </span>
        <span className="ml-auto flex shrink-0 items-center gap-3 text-12 text-ink-3">
          <Ago at={block.at} />
          {!empty && (
            <ChevronRight size={14} className={clsx("transition-transform", open && "rotate-90")} />
          )}
        </span>
      </button>
      {note && (
        <p className="border-t border-accent-line bg-accent-tint px-4 py-2 break-words whitespace-pre-wrap">
          {note}
        </p>
      )}
      {open && (
        <div className="divide-y border-t bg-sunken text-13">
          {files.length > 0 && (
            <ul className="py-1">
              {files.map((file) => (
                <li key={file.path} className="flex items-center gap-3 px-3 py-0.5">
                  <span className="min-w-0 flex-1 truncate font-mono text-12">{file.path}</span>
                  <span className="text-12 text-ink-3">{file.status}</span>
                  {!file.binary && <Counts additions={file.additions} deletions={file.deletions} />}
                </li>
              ))}
            </ul>
          )}
          {commands.length > 0 && (
            <ol className="max-h-80 overflow-y-auto py-1 font-mono text-12">
              {commands.map((command, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: commands have no identity but their place
                <Command key={index} command={command} />
              ))}
            </ol>
          )}
        </div>
      )}
    </div>
  );
});

function Command({ command: { command, cwd, exit_code } }: { command: DriveCommand }) {
  return (
    <li className="flex gap-3 px-3 py-0.5" title={cwd}>
      <span className="min-w-0 flex-1 break-words whitespace-pre-wrap">
        <span className="text-ink-3 select-none">$ </span>
        {command}
      </span>
      {exit_code === null ? (
        <span className="shrink-0 text-ink-3">still runs</span>
      ) : (
        exit_code !== 0 && <span className="shrink-0 text-bad">exit code {exit_code}</span>
      )}
    </li>
  );
}

/** What the hub told the agent: it is to be read, and is nobody's words. */
export const HandBackPromptView = memo(function HandBackPromptView({
  block,
}: {
  block: PromptBlock;
}) {
  const [open, toggle] = useOpened(block.key, false);
  return (
    <div data-testid="hand-back-prompt" className="py-1">
      <button
        type="button"
        aria-expanded={open}
        onClick={toggle}
        className="target -ml-2 flex items-center gap-2 rounded-md px-2 py-0.5 text-13 text-ink-3 transition-colors hover:bg-hover"
      >
        <ChevronRight size={14} className={clsx("transition-transform", open && "rotate-90")} />
        What the agent was told
      </button>
      {open && (
        <pre className="mt-1 max-h-96 overflow-auto rounded-md border bg-sunken px-3 py-2 font-mono text-12 break-words whitespace-pre-wrap">
          {block.text}
        </pre>
      )}
    </div>
  );
});

function plural(count: number, one: string, many: string): string | null {
  return count === 0 ? null : `${count} ${count === 1 ? one : many}`;
}
