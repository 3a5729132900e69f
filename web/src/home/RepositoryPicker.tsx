import { FolderGit2 } from "lucide-react";
import { useMemo } from "react";
import type { Session } from "@/api/types";
import { repositoryAddress, repositoryName } from "@/shell/names";
import { Chip } from "@/ui/Chip";
import { type Choice, Combo } from "@/ui/Combo";

/** What stands for "none" in the list, which takes no empty values. */
const NONE = "none";

/** The repositories that were used, newest first; the sample; none; or what is typed. */
export function RepositoryPicker({
  value,
  onChange,
  sessions,
  sample,
}: {
  value: string | null;
  onChange: (repository: string | null) => void;
  sessions: readonly Session[];
  sample: string | null;
}) {
  const choices = useMemo(() => {
    const used = new Set(sessions.flatMap((session) => session.repository ?? []));
    const choices: Choice[] = [...used].slice(0, 12).map((repository) => ({
      value: repository,
      label: repositoryName(repository),
      hint: repository,
      group: "Recent",
    }));
    if (sample && !used.has(sample)) {
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
  }, [sessions, sample]);

  return (
    <Combo
      placeholder="URL, owner/name, or folder"
      value={value ?? NONE}
      choices={choices}
      onChoose={(choice) => onChange(choice === NONE ? null : repositoryAddress(choice))}
      own={(typed) => (
        <>
          Use <code>{repositoryAddress(typed)}</code>
        </>
      )}
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
