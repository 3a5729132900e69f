import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { clsx } from "clsx";
import { useEffect, useRef, useState } from "react";
import { queries, useCreateSession } from "@/api/queries";
import type { Session } from "@/api/types";
import { AttachButton } from "@/attach/AttachButton";
import { Tray } from "@/attach/Tray";
import { useAttachments } from "@/attach/use-attachments";
import { pasteFiles, useDrop } from "@/attach/use-drop";
import { Button } from "@/ui/Button";
import { Kbd } from "@/ui/Kbd";
import { ErrorProblem } from "@/ui/Problem";
import { useStored } from "@/ui/stored";
import { BranchPicker } from "./BranchPicker";
import { readableForge } from "./forges";
import { ModelPicker } from "./ModelPicker";
import { type Mode, PERMISSIONS, PermissionPicker } from "./PermissionPicker";
import { RepositoryPicker } from "./RepositoryPicker";
import { type ChosenTopic, TopicPicker } from "./TopicPicker";

/** What stands there at first, so that one key press is enough to see a turn. */
const FIRST_PROMPT =
  "Look around in this repository, write down what you find in NOTES.md, and run a command that shows that it works.";

/** "What shall be done?": a prompt, where, by which model; and off it goes. */
export function NewSession({ sessions }: { sessions: readonly Session[] }) {
  const firstTime = sessions.length === 0;
  const { data: system } = useQuery(queries.system);
  const { data: models } = useQuery(queries.models);
  const { data: repositories } = useQuery(queries.repositories(""));
  const [prompt, setPrompt] = useState(firstTime ? FIRST_PROMPT : "");
  // Undefined: not chosen yet, so what was used last, or the sample, stands in.
  const [repository, setRepository] = useState<string | null | undefined>(undefined);
  const [branch, setBranch] = useState<string | null>(null);
  const [topic, setTopic] = useState<ChosenTopic | null>(null);
  const [model, setModel] = useStored<string | null>("model", null);
  const [mode, setMode] = useStored<Mode>("permissions", "allow");
  const attachments = useAttachments("home");
  const dropping = useDrop(attachments.add);
  const create = useCreateSession();
  const navigate = useNavigate();
  const field = useRef<HTMLTextAreaElement>(null);

  const sample = system?.sample_repository ?? null;
  const last = sessions[0];
  const where = repository !== undefined ? repository : last ? last.repository : sample;
  const branches = useQuery({ ...queries.branches(where ?? ""), enabled: where !== null });
  const usable = (id: string | null) =>
    models?.providers.some((provider) => provider.enabled && id?.startsWith(`${provider.id}/`));
  const ownModel = usable(model) ? model : null;
  const chosenModel = ownModel ?? models?.default ?? "demo/demo";
  const scripted = models?.items.find((item) => item.id === chosenModel)?.scripted ?? false;
  const forge = readableForge(where, repositories?.forges ?? []);
  const from = where !== null && forge ? topic : null;
  const something = prompt.trim() !== "" || attachments.files.length > 0 || from !== null;
  const ready = something && !attachments.busy && !create.isPending;

  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);

  const start = () => {
    if (!ready) return;
    create.mutate(
      {
        prompt: prompt.trim(),
        from_issue: from?.kind === "issue" ? from.number : null,
        from_pull_request: from?.kind === "pull_request" ? from.number : null,
        repository: where,
        branch: where === null ? null : branch,
        // Where nobody chose, the repository may say.
        model: ownModel,
        title: null,
        permissions: PERMISSIONS[mode],
        attachments: attachments.ids,
      },
      {
        onSuccess: (session) => {
          attachments.take();
          void navigate({ to: "/sessions/$sessionId", params: { sessionId: session.id } });
        },
      },
    );
  };

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        start();
      }}
    >
      <div
        className={clsx(
          "rounded-md border border-line-strong bg-raised transition-colors focus-within:border-ink-3",
          dropping && "outline-2 outline-offset-2 outline-accent-text",
        )}
      >
        <Tray attachments={attachments} />
        <textarea
          ref={field}
          data-testid="home-prompt"
          aria-label="What shall be done?"
          onPaste={pasteFiles(attachments.add)}
          placeholder={
            from
              ? "What shall be done about it? It may be left empty."
              : "A bug to mend, a feature to build, a question about the code…"
          }
          value={prompt}
          rows={4}
          onChange={(event) => setPrompt(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              start();
            }
          }}
          className="field-sizing-content block max-h-[40vh] min-h-28 w-full resize-none bg-transparent px-4 pt-3.5 pb-2 outline-none"
        />
        <div className="flex flex-wrap items-center gap-0.5 p-2">
          <AttachButton onFiles={attachments.add} />
          <RepositoryPicker
            value={where}
            sample={sample}
            known={repositories}
            onChange={(next) => {
              setRepository(next);
              setBranch(null);
              setTopic(null);
            }}
          />
          {where !== null && (
            <BranchPicker
              value={branch ?? from?.branch ?? null}
              // The default branch must be said where it is not what it would start on.
              onChange={(next) => setBranch(next ?? (from && (branches.data?.default ?? null)))}
              branches={branches.data}
              loading={branches.isFetching}
            />
          )}
          {where !== null && forge && (
            <TopicPicker
              repository={where}
              value={from}
              onChange={(next) => {
                setTopic(next);
                setBranch(null);
              }}
            />
          )}
          <ModelPicker
            value={chosenModel}
            onChange={setModel}
            models={models}
            testId="home-model"
            byDefault={{
              hint: "As the repository says, else as is set for this installation",
              isSo: ownModel === null,
              choose: () => setModel(null),
            }}
          />
          <PermissionPicker value={mode} onChange={setMode} />
          <Button
            look="main"
            type="submit"
            data-testid="home-start"
            disabled={!ready}
            className="ml-auto px-4 max-sm:mt-1 max-sm:w-full"
          >
            {create.isPending ? "Starting…" : "Start"}
            <Kbd keys="Ctrl+Enter" />
          </Button>
        </div>
      </div>
      {scripted && (
        <p className="mt-2 px-1 text-13 text-ink-3">
          The demo model is a script: it does real work with real tools, and understands nothing.
          Open the model list to see how to switch on one that does.
        </p>
      )}
      {where !== null && branches.error && <ErrorProblem error={branches.error} className="mt-3" />}
      {create.error && <ErrorProblem error={create.error} className="mt-3" />}
    </form>
  );
}
