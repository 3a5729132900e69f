import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { queries } from "@/api/queries";
import type { PromptPatch } from "@/api/types";
import { AttachButton } from "@/attach/AttachButton";
import { Tray } from "@/attach/Tray";
import { heldFiles, useAttachments } from "@/attach/use-attachments";
import { pasteFiles } from "@/attach/use-drop";
import { ModelPicker } from "@/home/ModelPicker";
import type { PromptBlock } from "@/log/model";
import { Button } from "@/ui/Button";
import { Kbd } from "@/ui/Kbd";
import { useSessionPage } from "../context";

/** A prompt that waits, to be written anew where it stands. */
export function PromptEditor({ prompt, onDone }: { prompt: PromptBlock; onDone: () => void }) {
  const { id, session, actions, act } = useSessionPage();
  const { data: models } = useQuery(queries.models);
  const [text, setText] = useState(prompt.text);
  const [model, setModel] = useState(prompt.model);
  const [saving, setSaving] = useState(false);
  const attachments = useAttachments(null, heldFiles(id, prompt.attachments));
  const field = useRef<HTMLTextAreaElement>(null);
  const something = text.trim() !== "" || attachments.files.length > 0;
  const ready = something && !attachments.busy && !saving;

  useEffect(() => {
    const { current } = field;
    current?.focus();
    current?.setSelectionRange(current.value.length, current.value.length);
  }, []);

  const save = () => {
    if (!ready) return;
    const patch: PromptPatch = {};
    if (text.trim() !== prompt.text) patch.text = text.trim();
    if (model !== prompt.model) patch.model = model;
    const before = prompt.attachments.map(({ blob }) => blob);
    if (attachments.ids.join() !== before.join()) patch.attachments = attachments.ids;
    if (Object.keys(patch).length === 0) return onDone();
    setSaving(true);
    void act(actions.changePrompt(prompt.promptId, patch)).then((done) => {
      setSaving(false);
      if (done) onDone();
    });
  };

  return (
    <div className="rounded-md border border-line-strong bg-paper">
      <Tray attachments={attachments} />
      <textarea
        ref={field}
        data-testid="prompt-edit"
        aria-label="Change the prompt"
        value={text}
        rows={1}
        onChange={(event) => setText(event.target.value)}
        onPaste={pasteFiles(attachments.add)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
          else if (event.key === "Escape") onDone();
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
        className="field-sizing-content block max-h-[24vh] min-h-11 w-full resize-none bg-transparent px-3 pt-2.5 pb-1 text-15 outline-none"
      />
      <div className="flex flex-wrap items-center gap-1 px-2 pb-2">
        <AttachButton onFiles={attachments.add} />
        <ModelPicker
          value={model ?? session?.model ?? ""}
          onChange={setModel}
          models={models}
          testId="prompt-model"
        />
        <div className="ml-auto flex gap-2">
          <Button look="quiet" onClick={onDone}>
            Cancel <Kbd keys="Esc" />
          </Button>
          <Button look="main" data-testid="prompt-save" disabled={!ready} onClick={save}>
            Save <Kbd keys="Ctrl+Enter" />
          </Button>
        </div>
      </div>
    </div>
  );
}
