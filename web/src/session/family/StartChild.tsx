import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useCreateSession } from "@/api/queries";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Kbd } from "@/ui/Kbd";
import { ErrorProblem } from "@/ui/Problem";
import { useSessionPage } from "../context";

/** A part of the work for a session of its own, which has all but the prompt from this one. */
export function StartChild({ onClose }: { onClose: () => void }) {
  const { id, session } = useSessionPage();
  const [prompt, setPrompt] = useState("");
  const create = useCreateSession();
  const navigate = useNavigate();
  const ready = prompt.trim() !== "" && !create.isPending;

  const start = () => {
    if (!ready) return;
    create.mutate(
      {
        prompt: prompt.trim(),
        parent: id,
        from_issue: null,
        from_pull_request: null,
        repository: null,
        branch: null,
        model: null,
        title: null,
        attachments: [],
      },
      {
        onSuccess: (child) => {
          onClose();
          void navigate({ to: "/sessions/$sessionId", params: { sessionId: child.id } });
        },
      },
    );
  };

  return (
    <Dialog open wide="some" onClose={onClose} title="Start a child session">
      <form
        data-testid="start-child"
        onSubmit={(event) => {
          event.preventDefault();
          start();
        }}
      >
        <p className="mb-3 text-13 text-ink-2">
          It works beside “{session?.title}” in a sandbox of its own, on the same repository, and is
          seen by the same people. It knows nothing of what was said here.
        </p>
        <textarea
          aria-label="What shall be done in it?"
          placeholder="A part of the work that stands by itself…"
          value={prompt}
          rows={4}
          onChange={(event) => setPrompt(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              start();
            }
          }}
          className="field-sizing-content block max-h-[36vh] min-h-28 w-full rounded-md border border-line-strong bg-paper px-3 py-2 outline-none focus:border-ink-3"
        />
        {create.error && <ErrorProblem error={create.error} className="mt-3" />}
        <div className="mt-4 flex justify-end">
          <Button look="main" type="submit" data-testid="start-child-submit" disabled={!ready}>
            {create.isPending ? "Starting…" : "Start"}
            <Kbd keys="Ctrl+Enter" />
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
