import { useQuery } from "@tanstack/react-query";
import { CircleDot, GitPullRequest, X } from "lucide-react";
import { useState } from "react";
import { queries } from "@/api/queries";
import type { Topic } from "@/api/types";
import { IconButton } from "@/ui/Button";
import { Chip } from "@/ui/Chip";
import { type Choice, Combo } from "@/ui/Combo";
import { Coded } from "@/ui/Problem";

export type TopicKind = "issue" | "pull_request";

/** What a session is to start from. Of one that was given by its number the rest is not known. */
export interface ChosenTopic {
  kind: TopicKind;
  number: number;
  title: string | null;
  branch: string | null;
}

const NAMES: Record<TopicKind, string> = { issue: "issue", pull_request: "pull request" };
const ICONS = { issue: CircleDot, pull_request: GitPullRequest };

/** The open issues and pull requests of a repository, to start from one; or any by its number. */
export function TopicPicker({
  repository,
  value,
  onChange,
}: {
  repository: string;
  value: ChosenTopic | null;
  onChange: (topic: ChosenTopic | null) => void;
}) {
  const [opened, setOpened] = useState(false);
  const [typed, setTyped] = useState("");
  const issues = useQuery({ ...queries.issues(repository), enabled: opened });
  const pulls = useQuery({ ...queries.pullRequests(repository), enabled: opened });
  const error = issues.error ?? pulls.error;

  if (value) {
    const Icon = ICONS[value.kind];
    const called = `${NAMES[value.kind]} #${value.number}`;
    return (
      <span
        data-testid="home-topic"
        data-value={`${value.kind}:${value.number}`}
        title={`From ${called}${value.title ? `: ${value.title}` : ""}`}
        className="inline-flex h-8 max-w-full min-w-0 items-center gap-1.5 rounded-md border border-accent-line bg-accent-tint pl-2 text-13 sm:max-w-72"
      >
        <Icon size={14} className="shrink-0" aria-hidden />
        <span className="truncate">
          <span className="sr-only">From {NAMES[value.kind]} </span>#{value.number}
          {value.title && ` ${value.title}`}
        </span>
        <IconButton
          label={`Don’t start from ${called}`}
          className="-my-1"
          onClick={() => onChange(null)}
        >
          <X size={14} />
        </IconButton>
      </span>
    );
  }

  const topics = [
    ...(issues.data ?? []).map((topic) => ({ kind: "issue" as const, topic })),
    ...(pulls.data ?? []).map((topic) => ({ kind: "pull_request" as const, topic })),
  ];
  const choices: Choice[] = topics.map(({ kind, topic }) => listed(kind, topic));
  const number = Number(/^#?(\d{1,9})$/.exec(typed.trim())?.[1] ?? 0);
  if (number > 0 && !topics.some(({ topic }) => topic.number === number)) {
    for (const kind of ["issue", "pull_request"] as const) {
      choices.push({
        value: `${kind}:${number}`,
        label: `Use ${NAMES[kind]} #${number}`,
        words: [typed],
        group: "By number",
      });
    }
  }
  return (
    <Combo
      placeholder="Title, author, or number"
      value={null}
      choices={choices}
      onType={setTyped}
      onOpen={() => {
        setOpened(true);
        if (issues.isStale) void issues.refetch();
        if (pulls.isStale) void pulls.refetch();
      }}
      onChoose={(choice) => {
        const [kind, number] = choice.split(":") as [TopicKind, string];
        const known = topics.find(
          ({ kind: of, topic }) => of === kind && topic.number === Number(number),
        )?.topic;
        onChange({
          kind,
          number: Number(number),
          title: known?.title ?? null,
          branch: known?.branch ?? null,
        });
      }}
      empty={
        issues.isFetching || pulls.isFetching
          ? "Asking GitHub…"
          : "None is open that is called so. Any can be given by its number."
      }
      footer={
        error && (
          <p role="alert" className="border-t px-3 py-2.5 text-12 text-ink-2">
            <Coded text={error.message} />
          </p>
        )
      }
      trigger={
        <Chip
          icon={<CircleDot size={14} />}
          label="Start from an issue or a pull request"
          data-testid="home-topic"
          data-value=""
        >
          From an issue or PR…
        </Chip>
      }
    />
  );
}

function listed(kind: TopicKind, topic: Topic): Choice {
  return {
    value: `${kind}:${topic.number}`,
    label: topic.title,
    hint: `#${topic.number} by ${topic.author}`,
    words: [topic.title, `#${topic.number}`, topic.author],
    group: kind === "issue" ? "Issues" : "Pull requests",
  };
}
