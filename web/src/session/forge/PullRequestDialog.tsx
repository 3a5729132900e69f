import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { queries } from "@/api/queries";
import type { PullRequest } from "@/api/types";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ErrorProblem } from "@/ui/Problem";
import { useSessionPage } from "../context";

/** What a pull request says, before it is opened or changed. */
export function PullRequestDialog({
  pull,
  onClose,
}: {
  pull: PullRequest | null;
  onClose: () => void;
}) {
  const { id } = useSessionPage();
  const { data: draft, error } = useQuery({
    ...queries.pullRequestDraft(id),
    enabled: pull === null,
  });
  const begin = pull ?? draft;
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={pull ? `Pull request #${pull.number}` : "Open a pull request"}
    >
      {error && <ErrorProblem error={error} className="mb-4" />}
      {(begin || error) && (
        <Form pull={pull} title={begin?.title ?? ""} body={begin?.body ?? ""} onClose={onClose} />
      )}
    </Dialog>
  );
}

function Form(begin: {
  pull: PullRequest | null;
  title: string;
  body: string;
  onClose: () => void;
}) {
  const { session, actions } = useSessionPage();
  const [title, setTitle] = useState(begin.title);
  const [body, setBody] = useState(begin.body);
  const [draft, setDraft] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Error | null>(null);
  const [titleId, bodyId] = [useId(), useId()];
  const field =
    "block w-full rounded-md border border-line-strong bg-paper px-3 outline-none focus:border-ink-3";

  const publish = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await actions.publish({ title: title.trim(), body, draft });
      begin.onClose();
    } catch (error) {
      setProblem(error as Error);
      setBusy(false);
    }
  };

  return (
    <form
      data-testid="pull-request-form"
      onSubmit={(event) => {
        event.preventDefault();
        void publish();
      }}
    >
      <p className="mb-4 text-13 text-ink-2">
        What is not committed is committed in your name, pushed to{" "}
        <code className="font-mono text-12">{session?.work_branch}</code>
        {begin.pull ? "." : ", and proposed for merging, with your rights at GitHub."}
      </p>
      <label htmlFor={titleId} className="text-13 font-semibold">
        Title
      </label>
      <input
        id={titleId}
        value={title}
        required
        maxLength={256}
        onChange={(event) => setTitle(event.target.value)}
        className={`${field} mt-1 mb-4 h-10`}
      />
      <label htmlFor={bodyId} className="text-13 font-semibold">
        Text <span className="font-normal text-ink-3">in Markdown</span>
      </label>
      <textarea
        id={bodyId}
        value={body}
        rows={8}
        maxLength={65536}
        onChange={(event) => setBody(event.target.value)}
        className={`${field} field-sizing-content mt-1 max-h-[36vh] min-h-32 py-2 font-mono text-13`}
      />
      {problem && <ErrorProblem error={problem} className="mt-4 whitespace-pre-wrap" />}
      <div className="mt-4 flex flex-wrap items-center gap-3">
        {!begin.pull && (
          <label className="target flex items-center gap-2 text-13">
            <input
              type="checkbox"
              checked={draft}
              onChange={(event) => setDraft(event.target.checked)}
              className="size-4 accent-(--accent)"
            />
            As a draft
          </label>
        )}
        <Button
          type="submit"
          look="main"
          data-testid="pull-request-submit"
          disabled={busy || !title.trim()}
          className="ml-auto"
        >
          {busy ? "Pushing…" : begin.pull ? "Push and change it" : "Push and open it"}
        </Button>
      </div>
    </form>
  );
}
