import { Menu as MenuIcon, Users } from "lucide-react";
import { useRef, useState } from "react";
import { useOthers } from "@/api/presence";
import { modelName, repositoryName } from "@/shell/names";
import { useShell } from "@/shell/shell";
import { Button, IconButton } from "@/ui/Button";
import { Counts } from "@/ui/Counts";
import { Initials, typingWords } from "@/ui/Initials";
import { useKeys } from "@/ui/keys";
import { STATES, StateMark, stateWord } from "@/ui/StateMark";
import { panesFor, useSessionPage } from "./context";
import { DriveButton } from "./drive/DriveButton";
import { useDrive } from "./drive/use-drive";
import { ParentLink } from "./family/ParentLink";
import { PullRequestControl } from "./forge/PullRequestControl";
import { PANES, useCounts } from "./pane/Pane";
import { SessionMenu } from "./sleep/SessionMenu";

/**
 * What the session is called, how it stands, where it works.
 *
 * The title goes first: where a pane leaves little room beside it, buttons are icons alone.
 */
export function Header({ paneOpen }: { paneOpen: boolean }) {
  const { id, session, drives, state, transcript, showPane, share } = useSessionPage();
  const others = useOthers(id);
  const types = typingWords(others);
  const { openSidebar } = useShell();
  const repository = session?.repository ?? transcript.created?.repository ?? null;
  const branch = session?.branch ?? transcript.created?.branch;
  const model = session?.model ?? transcript.created?.model;
  const changes = transcript.workspace;
  const counts = useCounts();
  const { drive, mine } = useDrive();
  const driven = drive?.state === "driving";
  return (
    <header className="@container flex h-14 shrink-0 items-center gap-2 border-b px-2 sm:px-4">
      <IconButton label="Sessions" onClick={openSidebar} className="lg:hidden">
        <MenuIcon size={18} />
      </IconButton>
      <div className="min-w-0 flex-1">
        <Title />
        <div className="flex min-w-0 items-center gap-x-3 text-12 text-ink-3">
          <span
            data-testid="session-state"
            data-state={state}
            className={`flex shrink-0 items-center gap-1.5 ${driven ? "text-accent-text" : STATES[state].tone}`}
          >
            <StateMark state={driven ? "working" : state} mayAnswer={drives} />
            {driven ? (mine ? "You drive" : `${drive?.by} drives`) : stateWord(state, drives)}
          </span>
          {types && (
            <span data-testid="typing" className="min-w-0 truncate text-accent-text sm:shrink-0">
              {types}
            </span>
          )}
          {session?.parent && <ParentLink id={session.parent} />}
          <span
            className={`min-w-0 truncate ${types ? "max-sm:hidden" : ""}`}
            title={repository ?? undefined}
          >
            {repositoryName(repository)}
            {branch && `@${branch}`}
          </span>
          {model && (
            <span className="shrink-0 max-sm:hidden" title={model}>
              {modelName(model)}
            </span>
          )}
          {changes && changes.files.length > 0 && (
            <button
              type="button"
              onClick={() => showPane("changes")}
              aria-label="Show the changes"
              className="rounded-md px-1 transition-colors hover:bg-hover"
            >
              <Counts additions={changes.additions} deletions={changes.deletions} />
            </button>
          )}
        </div>
      </div>
      <Initials people={others} />
      <DriveButton />
      <PullRequestControl />
      <IconButton
        label="Share (S)"
        data-testid="share-open"
        className="max-sm:hidden"
        onClick={share}
      >
        <Users size={16} />
      </IconButton>
      <SessionMenu />
      {!paneOpen && (
        <div className="flex max-lg:hidden">
          {panesFor(drives).map((name) => {
            const { label, Icon, testId } = PANES[name];
            return (
              <Button
                key={name}
                look="quiet"
                data-testid={testId}
                title={label}
                aria-label={label}
                className="px-2"
                onClick={() => showPane(name)}
              >
                <Icon size={15} className="@5xl:hidden" />
                <span className="@max-5xl:hidden">{label}</span>
                {(counts[name] ?? 0) > 0 && (
                  <span className="text-ink-3 tabular-nums">{counts[name]}</span>
                )}
              </Button>
            );
          })}
        </div>
      )}
    </header>
  );
}

/** The title; a press makes it a field. */
function Title() {
  const { session, drives, transcript, actions, act } = useSessionPage();
  const [draft, setDraft] = useState<string | null>(null);
  const left = useRef(false);
  const title = session?.title ?? transcript.created?.title ?? "";
  useKeys(drives ? { e: () => setDraft(title) } : {});

  const save = () => {
    if (left.current) return;
    left.current = true;
    const next = draft?.trim();
    setDraft(null);
    if (next && next !== title) void act(actions.rename(next));
  };

  if (!drives) return <h1 className="truncate font-semibold">{title || "…"}</h1>;
  if (draft === null) {
    return (
      <h1 className="flex min-w-0">
        <button
          type="button"
          title="Rename"
          onClick={() => {
            left.current = false;
            setDraft(title);
          }}
          className="-ml-1 min-w-0 truncate rounded-md px-1 text-left font-semibold transition-colors hover:bg-hover"
        >
          {title || "…"}
        </button>
      </h1>
    );
  }
  return (
    <input
      // biome-ignore lint/a11y/noAutofocus: the press before asked for it
      autoFocus
      aria-label="Title"
      value={draft}
      maxLength={200}
      onFocus={(event) => {
        left.current = false;
        event.target.select();
      }}
      onChange={(event) => setDraft(event.target.value)}
      onBlur={save}
      onKeyDown={(event) => {
        if (event.key === "Enter") save();
        if (event.key === "Escape") {
          left.current = true;
          setDraft(null);
        }
      }}
      className="-ml-1 w-full max-w-xl rounded-md bg-sunken px-1 font-semibold"
    />
  );
}
