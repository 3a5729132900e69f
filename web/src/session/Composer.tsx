import { useQuery } from "@tanstack/react-query";
import { clsx } from "clsx";
import { Square } from "lucide-react";
import { useEffect, useRef } from "react";
import { queries } from "@/api/queries";
import type { When } from "@/api/types";
import { AttachButton } from "@/attach/AttachButton";
import { Tray } from "@/attach/Tray";
import { useAttachments } from "@/attach/use-attachments";
import { pasteFiles, useDrop } from "@/attach/use-drop";
import { ModelPicker } from "@/home/ModelPicker";
import { Button } from "@/ui/Button";
import { Kbd } from "@/ui/Kbd";
import { useKeys } from "@/ui/keys";
import { useStored } from "@/ui/stored";
import { takeQuotes } from "./comments/quoting";
import { useSessionPage } from "./context";
import { Queue } from "./queue/Queue";
import { useStop } from "./use-stop";

/** Where people write: to the agent at once, or into the queue while it works. */
export function Composer() {
  const { id, session, state, transcript, actions, act, full } = useSessionPage();
  const { data: models } = useQuery(queries.models);
  const [text, setText] = useStored(`draft.${id}`, "");
  const attachments = useAttachments(id);
  const dropping = useDrop(attachments.add);
  const field = useRef<HTMLTextAreaElement>(null);
  const { drive, turn } = transcript;
  const rests = state === "hibernated" || state === "ended";
  const free = (state === "idle" || rests) && transcript.queue.length === 0 && !drive;
  const ended = state === "ended" && session !== undefined && !session.kept;
  const something = text.trim() !== "" || attachments.files.length > 0;
  const ready = something && !attachments.busy && !ended;

  const now = useRef(text);
  now.current = text;
  const put = (words: string) =>
    setText([words, now.current].filter((each) => each.trim() !== "").join("\n\n"));
  const sent = useRef(Promise.resolve());
  const send = (when: When) => {
    if (!ready) return;
    const prompt = { text: text.trim(), attachments: attachments.ids, when };
    // The field is free for the next words at once; if these are refused, they come back.
    const putBack = attachments.take();
    setText("");
    field.current?.focus();
    sent.current = sent.current.then(async () => {
      if (await act(actions.prompt(prompt))) return;
      putBack();
      put(text);
    });
  };
  const comment = () => {
    setText("");
    void act(actions.comment(text.trim())).then((done) => {
      if (!done) put(text);
    });
  };
  useEffect(
    () =>
      takeQuotes(id, (words) => {
        setText([now.current, words].filter((each) => each.trim() !== "").join("\n\n"));
        field.current?.focus();
      }),
    [id, setText],
  );
  const { possible, runs, asked, stop } = useStop(put);
  const onEscape = runs ? stop : undefined;
  useKeys({
    ...(onEscape && !full ? { Escape: onEscape } : {}),
    "/": () => field.current?.focus(),
  });

  return (
    <div>
      <Queue />
      <div
        className={clsx(
          "relative rounded-md border border-line-strong bg-raised transition-colors focus-within:border-ink-3",
          dropping && "outline-2 outline-offset-2 outline-accent-text",
        )}
      >
        <Tray attachments={attachments} />
        <textarea
          ref={field}
          data-testid="composer"
          aria-label="Write to the agent"
          value={text}
          rows={1}
          disabled={ended}
          onChange={(event) => setText(event.target.value)}
          onPaste={pasteFiles(attachments.add)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              send(event.shiftKey ? "now" : "queue");
            } else if (event.key === "Escape") {
              event.preventDefault();
              if (onEscape) onEscape();
              else field.current?.blur();
            }
          }}
          placeholder={
            dropping
              ? "Drop to attach"
              : ended
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
        <div className="flex flex-wrap items-center gap-1 px-2 pb-2">
          <AttachButton onFiles={attachments.add} />
          <ModelPicker
            value={session?.model ?? transcript.created?.model ?? ""}
            onChange={(model) => void act(actions.chooseModel(model))}
            models={models}
            testId="session-model"
          />
          <div className="ml-auto flex gap-2">
            {possible && (
              <Button data-testid="stop" disabled={asked} onClick={stop}>
                <Square size={12} fill="currentColor" />
                {asked ? "Stopping…" : "Stop"}
                {runs && <Kbd keys="Esc" />}
              </Button>
            )}
            {text.trim() !== "" && attachments.files.length === 0 && (
              <Button
                look="quiet"
                data-testid="comment-send"
                title="To those who read along; the agent does not get it"
                onClick={comment}
              >
                Comment
              </Button>
            )}
            {turn && !drive && something && (
              <Button
                data-testid="send-now"
                title="The agent reads it at its next step (Ctrl+Shift+Enter)"
                disabled={!ready}
                onClick={() => send("now")}
              >
                Send now
              </Button>
            )}
            <Button
              look={turn ? "plain" : "main"}
              data-testid="send"
              disabled={!ready}
              onClick={() => send("queue")}
            >
              {free ? "Send" : "Queue"} <Kbd keys="Ctrl+Enter" />
            </Button>
          </div>
        </div>
      </div>
    </div>
  );
}
