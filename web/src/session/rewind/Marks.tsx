import { Link } from "@tanstack/react-router";
import { clsx } from "clsx";
import { ChevronRight, GitFork, Undo2 } from "lucide-react";
import { memo } from "react";
import type { ForkedBlock, RewoundBlock } from "@/log/model";
import type { Row } from "@/log/rows";
import { Mark } from "../rows/Marks";
import { toggleUndone } from "./shown";

/** In place of what was undone: how much it was, and a way to read it all the same. */
export const UndoneView = memo(function UndoneView({
  row,
}: {
  row: Extract<Row, { kind: "undone" }>;
}) {
  const { key, prompts, open } = row;
  const what = prompts === 0 ? "What followed" : prompts === 1 ? "1 prompt" : `${prompts} prompts`;
  return (
    <div data-testid="undone" className="flex items-center gap-3 py-2">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => toggleUndone(key)}
        className="target -ml-2 flex items-center gap-1.5 rounded-md px-2 py-0.5 text-13 text-ink-3 transition-colors hover:bg-hover hover:text-ink-2"
      >
        <ChevronRight size={14} className={clsx("transition-transform", open && "rotate-90")} />
        {what} undone
      </button>
      <span className="h-px flex-1 bg-line" />
    </div>
  );
});

export const RewoundView = memo(function RewoundView({ block }: { block: RewoundBlock }) {
  return (
    <Mark icon={<Undo2 size={14} />} at={block.at} testId="rewound">
      {block.by || "Someone"} went back to here, with chat and files.
    </Mark>
  );
});

export const ForkedView = memo(function ForkedView({ block }: { block: ForkedBlock }) {
  return (
    <Mark icon={<GitFork size={14} />} at={block.at} testId="forked">
      Forked from{" "}
      <Link
        to="/sessions/$sessionId"
        params={{ sessionId: block.sessionId }}
        className="text-accent-text underline underline-offset-4"
      >
        {block.title}
      </Link>
    </Mark>
  );
});
