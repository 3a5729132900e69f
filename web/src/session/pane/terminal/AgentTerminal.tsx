import { memo, useEffect, useMemo, useRef } from "react";
import type { ToolBlock } from "@/log/model";
import { Ansi } from "@/text/Ansi";
import { duration, Elapsed } from "@/ui/time";
import { useSessionPage } from "../../context";

/** So many commands are shown, and so many lines of each. */
const COMMANDS = 200;
const LINES = 400;

/** The agent's own commands as a terminal would show them; to be watched. */
export function AgentTerminal() {
  const { transcript } = useSessionPage();
  const commands = useMemo(
    () =>
      transcript.blocks
        .filter((block) => block.kind === "tool" && block.toolKind === "execute")
        .slice(-COMMANDS) as ToolBlock[],
    [transcript.blocks],
  );
  const scroller = useRef<HTMLElement>(null);
  const atEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is printed moves the end
  useEffect(() => {
    const element = scroller.current;
    if (element && atEnd.current) element.scrollTop = element.scrollHeight;
  }, [commands]);
  return (
    <section
      ref={scroller}
      data-testid="agent-terminal"
      aria-label="The agent’s commands"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys
      tabIndex={0}
      onScroll={({ currentTarget: at }) => {
        atEnd.current = at.scrollHeight - at.scrollTop - at.clientHeight < 40;
      }}
      className="quiet-ring absolute inset-0 overflow-auto bg-sunken py-2 font-mono text-[13px] leading-5"
    >
      {commands.length === 0 && (
        <p className="px-3 font-sans text-13 text-ink-3">
          The agent has run no commands so far. When it does, you can watch them here.
        </p>
      )}
      {commands.map((tool) => (
        <Command key={tool.key} tool={tool} />
      ))}
    </section>
  );
}

const Command = memo(function Command({ tool }: { tool: ToolBlock }) {
  const command = typeof tool.input.command === "string" ? tool.input.command : tool.title;
  const runs = tool.status === "pending" || tool.status === "in_progress";
  const lines = tool.output.replace(/\n$/, "").split("\n");
  const left = lines.length - LINES;
  return (
    <div className="px-3 pb-2">
      <p className="break-words whitespace-pre-wrap">
        <span className="text-accent-text select-none">$ </span>
        {command}
      </p>
      {left > 0 && <p className="text-ink-3">… {left} lines before</p>}
      {tool.output && (
        <pre className="text-ink-2">
          <Ansi text={lines.slice(-LINES).join("\n")} />
        </pre>
      )}
      <p className="font-sans text-12 text-ink-3">
        {runs ? (
          <Elapsed since={tool.at} />
        ) : (
          <>
            {tool.status === "stopped"
              ? "stopped"
              : tool.exitCode !== null && (
                  <span className={tool.exitCode === 0 ? "" : "text-bad"}>
                    exit code {tool.exitCode}
                  </span>
                )}
            {tool.ms !== null && ` · ${duration(tool.ms)}`}
          </>
        )}
      </p>
    </div>
  );
});
