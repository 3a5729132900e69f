import { memo } from "react";
import type { Row } from "@/log/rows";
import { CommentView } from "../comments/CommentView";
import { ChildView, HubToolView } from "../family/Marks";
import { ForgeView } from "../forge/ForgeView";
import { ForkedView, RewoundView, UndoneView } from "../rewind/Marks";
import { ReadsCard, ToolCard } from "../tools/ToolCard";
import { ConfiguredView } from "./Configured";
import { DriveView, HandBackPromptView, HandBackView, PortView } from "./Environment";
import {
  NoticeView,
  PermissionMark,
  QuestionMark,
  RefusedView,
  RetryView,
  TurnEndView,
} from "./Marks";
import { ProblemCard } from "./ProblemCard";
import { Setup } from "./Setup";
import { MessageView, PromptView, ThoughtView } from "./Voices";

/** One row of a transcript, by what it is. */
export const RowView = memo(function RowView({ row }: { row: Row }) {
  if (row.kind === "undone") return <UndoneView row={row} />;
  const block = row.kind === "reads" ? row.tools[0] : row.block;
  if (!block || !("undone" in block) || !block.undone) return <Plain row={row} />;
  return (
    <div data-testid="undone-row" className="opacity-60">
      <Plain row={row} />
    </div>
  );
});

function Plain({ row }: { row: Exclude<Row, { kind: "undone" }> }) {
  if (row.kind === "tool") return <ToolCard tool={row.block} run={row.run} />;
  if (row.kind === "reads") return <ReadsCard id={row.key} tools={row.tools} run={row.run} />;
  const { block } = row;
  switch (block.kind) {
    case "prompt":
      return block.origin === "hand_back" ? (
        <HandBackPromptView block={block} />
      ) : (
        <PromptView block={block} />
      );
    case "message":
      return <MessageView block={block} />;
    case "thought":
      return <ThoughtView block={block} />;
    case "setup":
      return <Setup block={block} />;
    case "problem":
      return <ProblemCard block={block} />;
    case "notice":
      return <NoticeView block={block} />;
    case "retry":
      return <RetryView block={block} />;
    case "refused":
      return <RefusedView block={block} />;
    case "permission":
      return <PermissionMark block={block} />;
    case "question":
      return <QuestionMark block={block} />;
    case "port":
      return <PortView block={block} />;
    case "drive":
      return <DriveView block={block} />;
    case "hand_back":
      return <HandBackView block={block} />;
    case "turn_end":
      return <TurnEndView block={block} />;
    case "rewound":
      return <RewoundView block={block} />;
    case "forked":
      return <ForkedView block={block} />;
    case "forge":
      return <ForgeView block={block} />;
    case "comment":
      return <CommentView block={block} />;
    case "configured":
      return <ConfiguredView block={block} />;
    case "hub_tool":
      return <HubToolView block={block} />;
    case "child":
      return <ChildView block={block} />;
  }
}
