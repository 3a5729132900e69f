import { useRef } from "react";
import { Button } from "@/ui/Button";
import { Kbd } from "@/ui/Kbd";
import { useStored } from "@/ui/stored";
import { useSessionPage } from "../context";

/** Where a commenter writes: to the others who read along. */
export function CommentField() {
  const { id, actions, act } = useSessionPage();
  const [text, setText] = useStored(`comment.${id}`, "");
  const now = useRef(text);
  now.current = text;
  const ready = text.trim() !== "";
  const send = () => {
    if (!ready) return;
    setText("");
    // If it is refused, the words come back, before what was written meanwhile.
    void act(actions.comment(text.trim())).then((done) => {
      if (!done) setText([text, now.current].filter((each) => each.trim() !== "").join("\n\n"));
    });
  };
  return (
    <div className="rounded-md border border-line-strong bg-raised transition-colors focus-within:border-ink-3">
      <textarea
        data-testid="comment-field"
        aria-label="Comment"
        value={text}
        rows={1}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            send();
          } else if (event.key === "Escape") {
            event.preventDefault();
            event.currentTarget.blur();
          }
        }}
        placeholder="Say something to the others; the agent does not get it"
        className="field-sizing-content block max-h-[30vh] min-h-11 w-full resize-none bg-transparent px-4 pt-2.5 pb-1 outline-none"
      />
      <div className="flex justify-end px-2 pb-2">
        <Button look="main" data-testid="comment-send" disabled={!ready} onClick={send}>
          Comment <Kbd keys="Ctrl+Enter" />
        </Button>
      </div>
    </div>
  );
}
