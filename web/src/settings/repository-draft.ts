/** The settings of a repository as they stand in a form, and back. */
import type { RepositorySettings, RepositorySettingsIn } from "@/api/types";

export interface Draft {
  readsFile: boolean;
  model: string;
  /** The commands are said here; else they are the repository's own. */
  ownCommands: boolean;
  commands: string;
  seconds: string;
  environment: string;
  egress: string;
}

export function draftOf(entry: RepositorySettings | null): Draft {
  return {
    readsFile: entry?.reads_file ?? true,
    model: entry?.model ?? "",
    ownCommands: entry?.commands != null,
    commands: (entry?.commands ?? []).join("\n"),
    seconds: entry?.seconds?.toString() ?? "",
    environment: Object.entries(entry?.environment ?? {})
      .map(([name, value]) => `${name}=${value}`)
      .join("\n"),
    egress: (entry?.egress ?? []).join("\n"),
  };
}

/** What a form says; a sentence where it can't be understood. The hub judges the rest. */
export function saidBy(draft: Draft): RepositorySettingsIn | string {
  const environment: Record<string, string> = {};
  for (const line of lines(draft.environment)) {
    const at = line.indexOf("=");
    if (at < 1) return `“${line}” is not NAME=value.`;
    environment[line.slice(0, at).trim()] = line.slice(at + 1);
  }
  const egress = lines(draft.egress);
  const seconds = draft.seconds.trim();
  return {
    reads_file: draft.readsFile,
    model: draft.model.trim() || null,
    commands: draft.ownCommands ? lines(draft.commands) : null,
    seconds: seconds === "" ? null : Number(seconds),
    environment: Object.keys(environment).length > 0 ? environment : null,
    egress: egress.length > 0 ? egress : null,
  };
}

function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

/** All that is said, in one line. */
export function inWords(entry: RepositorySettings): string {
  const { reads_file, model, commands, environment, egress } = entry;
  const variables = Object.keys(environment ?? {}).length;
  const parts = [
    !reads_file && "its own file is not read",
    model && `model ${model}`,
    commands && (commands.length === 0 ? "no set-up commands" : many(commands.length, "command")),
    variables > 0 && many(variables, "variable"),
    egress && egress.length > 0 && `may reach ${egress.join(", ")}`,
  ].filter((part) => part);
  return parts.join(" · ") || "Nothing besides its own file";
}

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** Whether two spellings are of one repository, as far as the page can tell. */
export function sameRepository(one: string, other: string): boolean {
  return plain(one) === plain(other);
}

function plain(repository: string): string {
  return repository
    .replace(/^https?:\/\//, "")
    .replace(/\/$/, "")
    .replace(/\.git$/, "")
    .toLowerCase();
}
