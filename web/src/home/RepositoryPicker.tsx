import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FolderGit2, Lock } from "lucide-react";
import { useMemo, useState } from "react";
import { queries } from "@/api/queries";
import type { Forge, Repositories, Repository } from "@/api/types";
import { repositoryAddress, repositoryName } from "@/shell/names";
import { Chip } from "@/ui/Chip";
import { type Choice, Combo } from "@/ui/Combo";
import { useSettled } from "@/ui/later";
import { Coded } from "@/ui/Problem";
import { Ago } from "@/ui/time";
import { forgeName } from "./forges";

/** What stands for "none" in the list, which takes no empty values. */
const NONE = "none";

/** Those that were used, newest first; those at forges, found as one types; the sample; none; or what is typed. */
export function RepositoryPicker({
  value,
  onChange,
  known,
  sample,
}: {
  value: string | null;
  onChange: (repository: string | null) => void;
  /** What there is before anything is typed; undefined until that is known. */
  known: Repositories | undefined;
  sample: string | null;
}) {
  const [typed, setTyped] = useState("");
  const wish = useSettled(typed.trim());
  const search = useQuery({ ...queries.repositories(wish), enabled: wish.length > 1 });
  const found = wish.length > 1 && typed.trim() !== "" ? search.data : undefined;
  const current = wish === typed.trim() && !search.isPlaceholderData;
  const forges = found?.forges ?? known?.forges ?? [];

  const choices = useMemo(() => {
    const listed = known?.items ?? [];
    const urls = new Set(listed.map((repository) => repository.url));
    const recent = listed.filter((repository) => repository.recent);
    const choices: Choice[] = [
      ...(value && value !== sample && !urls.has(value)
        ? [{ value, label: repositoryName(value), hint: value, group: "Chosen" }]
        : []),
      ...recent.map((repository) => choice(repository, "Recent")),
      ...listed
        .filter((repository) => !repository.recent)
        .map((repository) => choice(repository, "Yours")),
      ...(found?.items ?? [])
        .filter((repository) => !urls.has(repository.url))
        // The forge found them for these words, wherever it has seen them.
        .map((repository) => choice(repository, "Found", current ? [typed] : [])),
    ];
    if (sample && !urls.has(sample)) {
      choices.push({
        value: sample,
        label: repositoryName(sample),
        hint: `A sample to try things on: ${sample}`,
        group: "Here",
      });
    }
    choices.push({
      value: NONE,
      label: "No repository",
      hint: "Begin in an empty workspace",
      group: "Here",
    });
    return choices;
  }, [known, found, sample, typed, current, value]);

  return (
    <Combo
      placeholder="Search, or give a URL, owner/name, or folder"
      value={value ?? NONE}
      choices={choices}
      onType={setTyped}
      onChoose={(choice) => onChange(choice === NONE ? null : repositoryAddress(choice))}
      own={(typed) =>
        /[/:]/.test(typed) ? (
          <>
            Use <code>{repositoryAddress(typed)}</code>
          </>
        ) : null
      }
      empty="None is called so that you used or may see. Any can be given as a URL, owner/name, or folder."
      footer={<Standings forges={forges} searching={wish !== "" && search.isFetching} />}
      trigger={
        <Chip
          icon={<FolderGit2 size={14} />}
          label={`Repository: ${value ?? "none"}`}
          title={value ?? undefined}
          data-testid="home-repo"
          data-value={value ?? ""}
        >
          {value ? repositoryName(value) : "No repository"}
        </Chip>
      }
    />
  );
}

function choice(repository: Repository, group: string, words: string[] = []): Choice {
  return {
    value: repository.url,
    group,
    words: [repository.name, ...words],
    label: (
      <span className="flex items-baseline gap-2">
        <span className="min-w-0 break-words">{repository.name}</span>
        {repository.private && (
          <span className="inline-flex shrink-0 items-baseline gap-1 text-12 text-ink-3">
            <Lock size={11} aria-hidden className="self-center" />
            private
          </span>
        )}
        {repository.pushed_at && (
          <span className="ml-auto shrink-0 text-12 text-ink-3">
            <Ago at={repository.pushed_at} />
          </span>
        )}
      </span>
    ),
    hint: (
      <span className="line-clamp-1 break-all">{repository.description || repository.url}</span>
    ),
  };
}

/** What of a forge is not in the list, and what to do about it. */
function Standings({ forges, searching }: { forges: readonly Forge[]; searching: boolean }) {
  const lines = forges.filter((forge) => forge.problem !== null);
  if (lines.length === 0 && !searching) return null;
  return (
    <div className="space-y-1 border-t px-3 py-2.5 text-12 text-ink-2" role="status">
      {lines.map((forge) => (
        <p key={forge.host}>
          {forge.grant === "given" ? (
            <Coded text={`${forge.problem} ${forge.remedy ?? ""}`} />
          ) : (
            <>
              {forge.grant === "missing"
                ? `To see your repositories at ${forgeName(forge)}, let Bunkhouse act for you there: `
                : `${forgeName(forge)} does not take your sign-in any more. Give it anew: `}
              <Link
                to="/settings/accounts"
                className="text-accent-text underline underline-offset-4"
              >
                Accounts
              </Link>
            </>
          )}
        </p>
      ))}
      {searching && <p className="text-ink-3">Searching…</p>}
    </div>
  );
}
