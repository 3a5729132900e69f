import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { queries } from "@/api/queries";
import {
  repositorySettingsQueries,
  useForgetRepositorySettings,
  usePutRepositorySettings,
} from "@/api/repository-settings";
import type { RepositorySettings } from "@/api/types";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Confirm";
import { ErrorProblem } from "@/ui/Problem";
import { Ago } from "@/ui/time";
import { Area, Field } from "./Field";
import { draftOf, inWords, saidBy, sameRepository } from "./repository-draft";

/** What repositories are set up with. For admins. `asked`: a repository that somebody came for. */
export function Repositories({ asked }: { asked: string | null }) {
  const { data: me } = useQuery(queries.me);
  if (!me) return null;
  return (
    <>
      <h1 className="text-24 font-semibold">Repositories</h1>
      <p className="mt-2 text-ink-2">
        {me.role === "admin" ? (
          <>
            A repository says in its own file,{" "}
            <code className="font-mono text-12">.bunkhouse/config.toml</code>, how it is set up.
            What you say here goes before that, and you alone can let its sandboxes reach more.
          </>
        ) : (
          "Admins say here how repositories are set up, and you are a member. Ask one of them."
        )}
      </p>
      {me.role === "admin" && <Entries asked={asked} />}
    </>
  );
}

function Entries({ asked }: { asked: string | null }) {
  const entries = useQuery(repositorySettingsQueries.all);
  // Null: nobody said so; then it is added that somebody came for.
  const [adding, setAdding] = useState<boolean | null>(null);
  const found = entries.data ?? [];
  const more = found.length > 0 ? "Another repository" : "Say something of a repository";
  const known = found.some((each) => asked !== null && sameRepository(each.repository, asked));
  return (
    <>
      {entries.error && <ErrorProblem error={entries.error} className="mt-4" />}
      {found.length > 0 && (
        <ul aria-label="Repositories" className="mt-6 divide-y rounded-md border bg-raised">
          {found.map((entry) => (
            <Entry
              key={entry.repository}
              entry={entry}
              opened={asked !== null && sameRepository(entry.repository, asked)}
            />
          ))}
        </ul>
      )}
      {entries.data &&
        ((adding ?? (asked !== null && !known)) ? (
          <div className="mt-6 rounded-md border bg-raised px-4 pt-3 pb-4">
            <h2 className="text-13 font-semibold">{more}</h2>
            <Form entry={null} repository={asked ?? ""} onDone={() => setAdding(false)} />
          </div>
        ) : (
          <Button className="mt-6" onClick={() => setAdding(true)}>
            {more}
          </Button>
        ))}
    </>
  );
}

function Entry({ entry, opened }: { entry: RepositorySettings; opened: boolean }) {
  const [open, setOpen] = useState(opened);
  const [asking, setAsking] = useState(false);
  const forget = useForgetRepositorySettings();
  const { repository, updated_at, updated_by } = entry;
  return (
    <li className="px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-60">
          <p className="font-semibold break-words">{repository}</p>
          <p className="text-13 break-words text-ink-2">{inWords(entry)}</p>
          <p className="text-13 text-ink-3">
            {updated_by}, <Ago at={updated_at} />
          </p>
        </div>
        <div className="flex gap-2">
          <Button
            aria-expanded={open}
            aria-label={`Change ${repository}`}
            onClick={() => setOpen(!open)}
          >
            {open ? "Close" : "Change"}
          </Button>
          <Button look="quiet" aria-label={`Forget ${repository}`} onClick={() => setAsking(true)}>
            Forget
          </Button>
        </div>
      </div>
      {open && <Form entry={entry} repository={repository} onDone={() => setOpen(false)} />}
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title="Forget these settings?"
        verb="Forget them"
        keep="Keep them"
        busy={forget.isPending}
        error={forget.error}
        onConfirm={() => forget.mutate(repository, { onSuccess: () => setAsking(false) })}
      >
        New sessions of {repository} are set up as its own file says. What it may reach besides is
        refused at once, in sessions that run too.
      </Confirm>
    </li>
  );
}

function Form({
  entry,
  repository,
  onDone,
}: {
  entry: RepositorySettings | null;
  repository: string;
  onDone: () => void;
}) {
  const put = usePutRepositorySettings();
  const [address, setAddress] = useState(repository);
  const [draft, setDraft] = useState(() => draftOf(entry));
  const [wrong, setWrong] = useState<string | null>(null);
  const set = (change: Partial<typeof draft>) => setDraft({ ...draft, ...change });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const said = saidBy(draft);
    if (typeof said === "string") {
      setWrong(said);
      return;
    }
    setWrong(null);
    put.mutate({ repository: address.trim(), said }, { onSuccess: onDone });
  };
  return (
    <form onSubmit={submit} className="mt-3 space-y-4">
      {entry === null && (
        <Field
          label="Repository"
          required
          maxLength={2000}
          placeholder="owner/name, https://host/owner/name or /path/to/folder"
          value={address}
          onValue={setAddress}
        />
      )}
      <label className="target flex items-center gap-2 text-13">
        <input
          type="checkbox"
          checked={draft.readsFile}
          onChange={(event) => set({ readsFile: event.target.checked })}
        />
        Read the repository’s own file
      </label>
      <Field
        label="Model"
        hint="For sessions for which a person chose none. Empty: as the repository says."
        placeholder="provider/model"
        maxLength={200}
        value={draft.model}
        onValue={(model) => set({ model })}
      />
      <fieldset className="space-y-3">
        <legend className="mb-1 text-13 text-ink-2">Set-up commands</legend>
        <label className="target flex items-center gap-2 text-13">
          <input
            type="checkbox"
            checked={draft.ownCommands}
            onChange={(event) => set({ ownCommands: event.target.checked })}
          />
          These, in place of the repository’s
        </label>
        {draft.ownCommands && (
          <Area
            label="Commands"
            hint="One a line, run in order after the clone. Empty: none are run."
            value={draft.commands}
            onValue={(commands) => set({ commands })}
          />
        )}
        <Field
          label="Seconds for all of them"
          hint="Empty: as the repository says."
          type="number"
          min={1}
          value={draft.seconds}
          onValue={(seconds) => set({ seconds })}
        />
      </fieldset>
      <Area
        label="Environment"
        hint="NAME=value, one a line; laid over the repository’s. Not for secrets: everybody in a session reads them."
        value={draft.environment}
        onValue={(environment) => set({ environment })}
      />
      <Area
        label="May reach besides"
        hint="Names, *.example.org for all below one, addresses and networks; one a line. Counts at once, in sessions that run too."
        value={draft.egress}
        onValue={(egress) => set({ egress })}
      />
      {wrong && (
        <p role="alert" className="text-13 text-bad">
          {wrong}
        </p>
      )}
      {put.error && <ErrorProblem error={put.error} />}
      <div className="flex gap-2">
        <Button type="submit" look="main" disabled={put.isPending || address.trim() === ""}>
          {put.isPending ? "Keeping…" : "Keep"}
        </Button>
        <Button look="quiet" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
