import { CircleCheck, CircleDot, CircleX, GitPullRequest, MessageSquare } from "lucide-react";
import { memo, type ReactNode } from "react";
import type { EventOf } from "@/api/types";
import type { ForgeBlock } from "@/log/model";
import { Markdown } from "@/text/Markdown";
import { Button } from "@/ui/Button";
import { Ago } from "@/ui/time";
import { useSessionPage } from "../context";
import { Mark } from "../rows/Marks";
import { done, outcome, toAddress, verdict } from "./words";

/** What happened to the pull request, and what was said of it. */
export const ForgeView = memo(function ForgeView({ block }: { block: ForgeBlock }) {
  const { event } = block;
  switch (event.type) {
    case "pull_request_changed":
      return (
        <Mark icon={<GitPullRequest size={14} />} at={block.at} testId="pull-request-mark">
          {done(event)} <Elsewhere href={event.url}>pull request #{event.number}</Elsewhere>
          {event.change === "opened" && (
            <>
              {event.draft && " as a draft"}: {event.title}
            </>
          )}
        </Mark>
      );
    case "pull_request_reviewed":
      return (
        <Said event={event} at={block.at} testId="pull-request-review">
          <span className={event.verdict === "changes_requested" ? "text-bad" : "text-ink-2"}>
            {verdict(event)}
          </span>
        </Said>
      );
    case "pull_request_commented":
      return (
        <Said event={event} at={block.at} testId="pull-request-comment">
          {event.path && (
            <span className="min-w-0 truncate font-mono text-12 text-ink-2">
              {event.path}
              {event.line !== null && `:${event.line}`}
            </span>
          )}
        </Said>
      );
    case "pull_request_checked":
      return <CheckMark event={event} at={block.at} />;
  }
});

/** Somebody's words. They are shown, and go to the agent only when a person says so. */
function Said({
  event,
  at,
  testId,
  children,
}: {
  event: EventOf<"pull_request_reviewed" | "pull_request_commented">;
  at: string;
  testId: string;
  children: ReactNode;
}) {
  return (
    <article
      data-testid={testId}
      aria-label={`${event.by} said at the forge`}
      className="my-2 rounded-md border bg-raised px-4 py-3"
    >
      <header className="flex flex-wrap items-baseline gap-x-2 text-12 text-ink-3">
        <MessageSquare size={13} className="self-center" />
        <span className="font-semibold text-ink-2">{event.by}</span>
        {children}
        <span className="ml-auto flex gap-2">
          <Ago at={at} />
          {event.url && <Elsewhere href={event.url}>#{event.number}</Elsewhere>}
        </span>
      </header>
      {event.text.trim() && (
        <div className="mt-1">
          <Markdown text={event.text} streaming={false} />
        </div>
      )}
      {event.text.trim() && <Address event={event} />}
    </article>
  );
}

function CheckMark({ event, at }: { event: EventOf<"pull_request_checked">; at: string }) {
  const how = outcome(event.conclusion);
  const Icon = { good: CircleCheck, bad: CircleX, neither: CircleDot }[how];
  const tone = { good: "text-good", bad: "text-bad", neither: "text-ink-3" }[how];
  return (
    <>
      <Mark icon={<Icon size={14} className={tone} />} at={at} testId="pull-request-check">
        {event.url ? <Elsewhere href={event.url}>{event.name}</Elsewhere> : event.name}:{" "}
        <span className={tone}>{event.conclusion.replaceAll("_", " ")}</span>
      </Mark>
      {how === "bad" && <Address event={event} />}
    </>
  );
}

function Address({ event }: { event: Parameters<typeof toAddress>[0] }) {
  const { actions, act, drives } = useSessionPage();
  if (!drives) return null;
  return (
    <Button
      className="mt-2"
      data-testid="address"
      onClick={() =>
        void act(actions.prompt({ text: toAddress(event), attachments: [], when: "queue" }))
      }
    >
      Have the agent look at it
    </Button>
  );
}

function Elsewhere({ href, children }: { href: string; children: ReactNode }) {
  return (
    <a
      href={href}
      target="_blank"
      rel="noreferrer"
      className="text-accent-text underline underline-offset-4"
    >
      {children}
    </a>
  );
}
