import { Link } from "@tanstack/react-router";
import { Split, Wrench } from "lucide-react";
import { memo } from "react";
import type { ChildBlock, HubToolBlock } from "@/log/model";
import { Mark } from "../rows/Marks";

/** A session was started within this one. */
export const ChildView = memo(function ChildView({ block }: { block: ChildBlock }) {
  return (
    <Mark icon={<Split size={14} />} at={block.at} testId="child-mark">
      {block.by} has a part of it done in{" "}
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

/** A call of one of the hub's tools that is no card of the agent's. */
export const HubToolView = memo(function HubToolView({ block }: { block: HubToolBlock }) {
  const { tool, by, message, outcome } = block.event;
  return (
    <Mark icon={<Wrench size={14} />} at={block.at} testId="hub-tool-mark">
      <code className="font-mono text-12">{tool}</code> was called in the sandbox
      {by && `, with the rights of ${by}`}:{" "}
      <span className={outcome === "done" ? "text-ink" : "text-bad"}>{message}</span>
    </Mark>
  );
});
