import { useQuery } from "@tanstack/react-query";
import { Square, X } from "lucide-react";
import { useRef, useState } from "react";
import { queries } from "@/api/queries";
import { ModelPicker } from "@/home/ModelPicker";
import { Button, IconButton } from "@/ui/Button";
import { Kbd } from "@/ui/Kbd";
import { useKeys } from "@/ui/keys";
import { useStored } from "@/ui/stored";
import { useSessionPage } from "./context";

/** Where people write: to the agent at once, or into the queue while it works. */
export function Composer() {
  const { id, session, state, transcript, actions, act, full } = useSessionPage();
  const { data: models } = useQuery(queries.models);
  const [text, setText] = useStored(`draft.${id}`, "");
  const [sending, setSending] = useState(false);
  const [stopping, setStopping] = useState<string | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const turn = transcript.turn?.id ?? null;
  const { drive } = transcript;
  const rests = state === "hibernated" || state === "ended";
  const free = (state === "idle" || rests) && transcript.queue.length === 0 && !drive;
  const ended = state === "ended" && session !== undefined && !session.kept;
  const ready = text.trim() !== "" && !sending && !ended;

  const send = () => {
    if (!ready) return;
    setSending(true);
    void act(actions.prompt(text.trim())).then((done) => {
      setSending(false);
      if (done) setText("");
      field.current?.focus();
    });
  };
  const stop = () => {
    if (!turn || stopping === turn) return;
    setStopping(turn);
    void act(actions.stop()).then((done) => {
      if (!done) setStopping(null);
    });
  };
  useKeys({ ...(full ? {} : { Escape: stop }), "/": () => field.current?.focus() });

  return (
    <div>
      <Queue />
      <div className="rounded-md border border-line-strong bg-raised transition-colors focus-within:border-ink-3">
        <textarea
          ref={field}
          data-testid="composer"
          aria-label="Write to the agent"
          value={text}
          rows={1}
          disabled={ended}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              send();
            } else if (event.key === "Escape") {
              event.preventDefault();
              if (turn) stop();
              else field.current?.blur();
            }
          }}
          placeholder={
            ended
              ? "This session has ended"
              : rests
                ? state === "ended"
                  ? "Write to bring it back"
                  : "What next? It wakes up when you send"
                : free
                  ? "What next?"
                  : drive
                    ? "It waits until the agent is handed the session back"
                    : "Say what comes next; it is queued"
          }
          className="field-sizing-content block max-h-[30vh] min-h-11 w-full resize-none bg-transparent px-4 pt-2.5 pb-1 outline-none"
        />
        <div className="flex items-center gap-1 px-2 pb-2">
          <ModelPicker
            value={session?.model ?? transcript.created?.model ?? ""}
            onChange={(model) => void act(actions.chooseModel(model))}
            models={models}
            testId="session-model"
          />
          <div className="ml-auto flex gap-2">
            {turn && (
              <Button data-testid="stop" disabled={stopping === turn} onClick={stop}>
                <Square size={12} fill="currentColor" />
                {stopping === turn ? "Stopping…" : "Stop"}
                <Kbd keys="Esc" />
              </Button>
            )}
            <Button
              look={turn ? "plain" : "main"}
              data-testid="send"
              disabled={!ready}
              onClick={send}
            >
              {free ? "Send" : "Queue"} <Kbd keys="Ctrl+Enter" />
            </Button>
          </div>
        </div>
      </div>
    </div>
  );
}

/** Prompts that wait for their turn; each can be taken back. */
function Queue() {
  const { transcript, actions, act } = useSessionPage();
  if (transcript.queue.length === 0) return null;
  return (
    <ol aria-label="Queue" className="mb-2 divide-y rounded-md border bg-raised">
      {transcript.queue.map((prompt, index) => (
        <li
          key={prompt.key}
          data-testid="queue-item"
          className="flex items-center gap-2 py-1 pr-1 pl-3 text-13"
        >
          <span className="shrink-0 text-ink-3">{index === 0 ? "Next" : `${index + 1}.`}</span>
          <span className="truncate">{prompt.text}</span>
          <IconButton
            label="Take it back"
            data-testid="queue-withdraw"
            className="ml-auto size-7"
            onClick={() => void act(actions.withdraw(prompt.promptId))}
          >
            <X size={14} />
          </IconButton>
        </li>
      ))}
    </ol>
  );
}
