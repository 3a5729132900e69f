import { useQuery, useQueryClient } from "@tanstack/react-query";
import { clsx } from "clsx";
import { Eye, Plus, X } from "lucide-react";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { environment, environmentQueries } from "@/api/environment";
import type { Terminal } from "@/api/types";
import { IconButton } from "@/ui/Button";
import { ErrorProblem } from "@/ui/Problem";
import { useSessionPage } from "../../context";
import { Resting } from "../../sleep/Resting";
import { useSandbox } from "../use-sandbox";
import { AgentTerminal } from "./AgentTerminal";
import { TerminalView } from "./TerminalView";

const AGENT = "agent";
/** How often the titles and viewers are asked for while one looks, in milliseconds. */
const LOOK_MS = 4000;

/** The sandbox's terminals, which all share who look at them; the agent's commands come first. */
export default function TerminalPane({ visible }: { visible: boolean }) {
  const { id, place, showPane } = useSessionPage();
  const { ready } = useSandbox();
  const client = useQueryClient();
  const query = environmentQueries.terminals(id);
  const { data, error: listError } = useQuery({
    ...query,
    enabled: ready && visible,
    refetchInterval: LOOK_MS,
  });
  const [error, setError] = useState<Error | null>(null);
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const [pressed, setPressed] = useState(0);
  const began = useRef(false);
  const terminals = ready ? data : undefined;

  const set = useCallback(
    (change: (before: Terminal[]) => Terminal[]) =>
      client.setQueryData(query.queryKey, (before) => change(before ?? [])),
    [client, query.queryKey],
  );
  const choose = useCallback((terminal: string) => showPane("terminal", { terminal }), [showPane]);
  const add = useCallback(async () => {
    try {
      const made = await environment.openTerminal(id);
      await client.cancelQueries({ queryKey: query.queryKey });
      set((before) => [...before.filter((other) => other.id !== made.id), made]);
      setError(null);
      choose(made.id);
    } catch (error) {
      setError(error as Error);
    }
  }, [id, client, query.queryKey, set, choose]);
  const drop = useCallback(
    (gone: string) => {
      set((before) => before.filter((terminal) => terminal.id !== gone));
      void client.invalidateQueries({ queryKey: query.queryKey });
    },
    [set, client, query.queryKey],
  );
  const close = async (terminal: string) => {
    try {
      await environment.closeTerminal(id, terminal);
      drop(terminal);
    } catch (error) {
      setError(error as Error);
    }
  };

  const known = terminals?.some((terminal) => terminal.id === place.terminal);
  const active =
    place.terminal === AGENT ? AGENT : known ? place.terminal : (terminals?.[0]?.id ?? AGENT);

  // Who opens the terminals and finds none wants one.
  const none = terminals?.length === 0;
  useEffect(() => {
    if (!visible || terminals === undefined || began.current) return;
    began.current = true;
    if (none && place.terminal !== AGENT) void add();
  }, [visible, terminals, none, place.terminal, add]);

  useEffect(() => {
    if (active && active !== AGENT && visible) setSeen((before) => new Set(before).add(active));
  }, [active, visible]);

  const problem = error ?? (terminals ? null : listError);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex h-10 shrink-0 items-stretch border-b pr-1">
        <div
          role="tablist"
          aria-label="Terminals"
          className="flex min-w-0 overflow-x-auto [scrollbar-width:none]"
        >
          <TerminalTab
            chosen={active === AGENT}
            data-testid="terminal-agent"
            onClick={() => choose(AGENT)}
          >
            <Eye size={13} /> Agent
          </TerminalTab>
          {terminals?.map((terminal) => (
            <TerminalTab
              key={terminal.id}
              chosen={terminal.id === active}
              data-testid="terminal-tab"
              data-terminal={terminal.id}
              onClick={() => {
                choose(terminal.id);
                setPressed((before) => before + 1);
              }}
              after={
                <IconButton
                  label={`Close ${terminal.title}`}
                  className="-ml-1.5 size-6"
                  onClick={() => void close(terminal.id)}
                >
                  <X size={12} />
                </IconButton>
              }
            >
              <span className="max-w-40 truncate font-mono">{terminal.title || "bash"}</span>
              {terminal.viewers > 1 && (
                <span className="text-ink-3" title={`${terminal.viewers} look at it`}>
                  {terminal.viewers}
                </span>
              )}
            </TerminalTab>
          ))}
        </div>
        <IconButton
          label="New terminal"
          data-testid="terminal-new"
          disabled={!ready}
          className="my-auto ml-1"
          onClick={() => void add()}
        >
          <Plus size={15} />
        </IconButton>
      </div>
      {problem && <ErrorProblem error={problem} className="m-3" />}
      <div className="relative flex min-h-0 flex-1">
        {active === AGENT && (ready || place.terminal === AGENT ? <AgentTerminal /> : <Resting />)}
        {terminals
          ?.filter((terminal) => seen.has(terminal.id))
          .map((terminal) => (
            <TerminalView
              key={terminal.id}
              sessionId={id}
              id={terminal.id}
              visible={visible && terminal.id === active}
              pressed={pressed}
              onEnded={() => drop(terminal.id)}
            />
          ))}
      </div>
    </div>
  );
}

function TerminalTab({
  chosen,
  after,
  children,
  ...rest
}: React.ComponentProps<"button"> & { chosen: boolean; after?: ReactNode }) {
  return (
    <span
      className={clsx(
        "flex shrink-0 items-center border-r pr-1",
        chosen ? "bg-sunken" : "text-ink-3",
      )}
    >
      <button
        type="button"
        role="tab"
        aria-selected={chosen}
        className="quiet-ring flex h-full items-center gap-1.5 px-3 text-12 transition-colors hover:text-ink"
        {...rest}
      >
        {children}
      </button>
      {after}
    </span>
  );
}
