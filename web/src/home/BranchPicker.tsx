import { GitBranch } from "lucide-react";
import type { Branches } from "@/api/types";
import { Chip } from "@/ui/Chip";
import { Combo } from "@/ui/Combo";

/** The branches that the repository has, its default one first; or what is typed. */
export function BranchPicker({
  value,
  onChange,
  branches,
  loading,
}: {
  /** Null: the repository's default. */
  value: string | null;
  onChange: (branch: string | null) => void;
  branches: Branches | undefined;
  loading: boolean;
}) {
  const shown = value ?? branches?.default ?? null;
  const choices = (branches?.items ?? []).map((branch) => ({
    value: branch,
    label: <span className="font-mono text-12">{branch}</span>,
    ...(branch === branches?.default ? { hint: "The default branch" } : {}),
  }));
  return (
    <Combo
      placeholder="Branch"
      value={shown}
      choices={choices}
      onChoose={(branch) => onChange(branch === branches?.default ? null : branch)}
      own={(typed) => (
        <>
          Use <code>{typed}</code>
        </>
      )}
      empty={loading ? "Asking the repository…" : "Type the branch’s name."}
      trigger={
        <Chip
          icon={<GitBranch size={14} />}
          label={`Branch: ${shown ?? "default"}`}
          data-testid="home-branch"
          data-value={shown ?? ""}
        >
          {shown ?? (loading ? "…" : "default branch")}
        </Chip>
      }
    />
  );
}
