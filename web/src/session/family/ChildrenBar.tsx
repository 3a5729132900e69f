import { Link } from "@tanstack/react-router";
import { Split } from "lucide-react";
import { useChildren } from "@/api/queries";
import type { Session } from "@/api/types";
import { STATES, StateMark } from "@/ui/StateMark";
import { useSessionPage } from "../context";
import { Strip } from "../Strip";

/** The sessions that work on parts of this one: how they stand in one line; each when opened. */
export function ChildrenBar() {
  const { id } = useSessionPage();
  const children = useChildren(id);
  if (children.length === 0) return null;
  return (
    <Strip
      testId="children"
      label="Child sessions"
      line={
        <>
          <Split size={14} className="shrink-0 text-ink-3" />
          <span className="truncate">
            {children.length === 1 ? "1 child session" : `${children.length} child sessions`}
            <span className="text-ink-3"> · {standing(children)}</span>
          </span>
        </>
      }
    >
      <ul className="p-1">
        {children.map((child) => (
          <li key={child.id}>
            <Link
              to="/sessions/$sessionId"
              params={{ sessionId: child.id }}
              className="quiet-ring target flex items-center gap-2 rounded-md px-2 py-1 transition-colors hover:bg-hover"
            >
              <StateMark state={child.state} />
              <span className="min-w-0 truncate">{child.title}</span>
              <span className="ml-auto shrink-0 text-12 text-ink-3">
                {STATES[child.state].word}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Strip>
  );
}

/** "2 working, 1 waits for you" */
function standing(children: readonly Session[]): string {
  const counts = new Map<string, number>();
  for (const { state } of children) {
    const word = STATES[state].word.toLowerCase();
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  if (counts.size === 1) return [...counts.keys()].join("");
  return [...counts].map(([word, count]) => `${count} ${word}`).join(", ");
}
