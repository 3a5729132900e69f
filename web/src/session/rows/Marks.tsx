import { CircleHelp, Info, RotateCw, ShieldBan, ShieldCheck, ShieldX } from "lucide-react";
import { memo, type ReactNode, useEffect, useState } from "react";
import { turnToRetry } from "@/log/again";
import type {
  NoticeBlock,
  PermissionBlock,
  QuestionBlock,
  RefusedBlock,
  RetryBlock,
  TurnEndBlock,
} from "@/log/model";
import { Button } from "@/ui/Button";
import { Coded, Problem } from "@/ui/Problem";
import { STATES } from "@/ui/StateMark";
import { Ago, duration, exact } from "@/ui/time";
import { useSessionPage } from "../context";
import { needsSetUpAgain, SetUpAgain } from "../pane/RepositorySettings";
import { AllowLink } from "./Configured";

/** One quiet line about something that happened beside the work. */
export function Mark({
  icon,
  children,
  at,
  testId,
}: {
  icon: ReactNode;
  children: ReactNode;
  at: string;
  testId: string;
}) {
  return (
    <div data-testid={testId} className="flex gap-2 py-1.5 text-13 text-ink-2" title={exact(at)}>
      <span className="mt-[3px] shrink-0 text-ink-3">{icon}</span>
      <span className="min-w-0 break-words">{children}</span>
    </div>
  );
}

export const NoticeView = memo(function NoticeView({ block }: { block: NoticeBlock }) {
  const { transcript } = useSessionPage();
  return (
    <Mark icon={<Info size={14} />} at={block.at} testId="notice">
      <Coded text={block.message} />
      {block.code === "egress_asked" && <AllowLink />}
      {block.code === "set_up_stopped" && needsSetUpAgain(transcript) && (
        <span className="mt-1.5 flex">
          <SetUpAgain />
        </span>
      )}
    </Mark>
  );
});

export const RefusedView = memo(function RefusedView({ block }: { block: RefusedBlock }) {
  return (
    <Mark icon={<ShieldBan size={14} />} at={block.at} testId="egress-refused">
      The sandbox may not reach{" "}
      <code className="font-mono text-12">
        {block.host}:{block.port}
      </code>
      {block.protocol === "udp" && " (UDP)"}
      {block.count > 1 && `, tried ${block.count} times`}.{" "}
      <span className="text-ink-3">{block.reason}</span>
    </Mark>
  );
});

export const RetryView = memo(function RetryView({ block }: { block: RetryBlock }) {
  return (
    <Mark icon={<RotateCw size={14} />} at={block.at} testId="model-retry">
      <Coded text={block.message} />{" "}
      <span className="text-ink-3">
        {block.over ? (
          `Tried again ${block.attempt === 1 ? "once" : `${block.attempt} times`}.`
        ) : (
          <>
            Attempt {block.attempt + 1}
            {block.nextAt && <Countdown to={block.nextAt} />}.
          </>
        )}
      </span>
    </Mark>
  );
});

function Countdown({ to }: { to: string }) {
  const [left, setLeft] = useState(() => Date.parse(to) - Date.now());
  useEffect(() => {
    const timer = setInterval(() => setLeft(Date.parse(to) - Date.now()), 500);
    return () => clearInterval(timer);
  }, [to]);
  return left > 0 ? ` in ${Math.ceil(left / 1000)} s` : " now";
}

const REPLIES = {
  once: "allowed once",
  always: "always allowed",
  reject: "rejected",
  void: "not answered",
} as const;

export const PermissionMark = memo(function PermissionMark({ block }: { block: PermissionBlock }) {
  const Icon = block.reply === "reject" ? ShieldX : ShieldCheck;
  return (
    <Mark icon={<Icon size={14} />} at={block.at} testId="permission-mark">
      {block.by ?? "Someone"} {REPLIES[block.reply ?? "void"]}:{" "}
      <code className="font-mono text-12 break-all">{block.request.title}</code>
    </Mark>
  );
});

export const QuestionMark = memo(function QuestionMark({ block }: { block: QuestionBlock }) {
  return (
    <Mark icon={<CircleHelp size={14} />} at={block.at} testId="question-mark">
      {block.request.questions.map((question, index) => (
        <span key={question.question} className="block">
          {question.question}{" "}
          <span className="text-ink">{block.answers?.[index]?.join(", ") || "Not answered."}</span>
        </span>
      ))}
    </Mark>
  );
});

const OUTCOMES = {
  done: { look: STATES.ended, word: "Done" },
  failed: { look: STATES.failed, word: "Failed" },
  stopped: { look: STATES.idle, word: "Stopped" },
  paused: { look: STATES.starting, word: "Paused" },
} as const;

export const TurnEndView = memo(function TurnEndView({ block }: { block: TurnEndBlock }) {
  const { look, word } = OUTCOMES[block.outcome];
  const facts = [
    block.inputTokens !== null || block.outputTokens !== null
      ? `${count(block.inputTokens)} in, ${count(block.outputTokens)} out`
      : null,
    block.cost !== null && block.cost > 0 ? `$${block.cost.toFixed(2)}` : null,
  ].filter((fact) => fact !== null);
  return (
    <div data-testid="turn-end" data-outcome={block.outcome} className="pt-1 pb-3">
      {block.outcome === "failed" && block.message && (
        <Problem message={block.message} className="my-2" data-testid="problem-card" />
      )}
      {(block.outcome === "failed" || block.outcome === "stopped") && <Again block={block} />}
      <div className="flex items-center gap-2 text-12 text-ink-3">
        <svg viewBox="0 0 12 12" aria-hidden="true" className={`size-3 shrink-0 ${look.tone}`}>
          {look.shape}
        </svg>
        <span>
          {word}
          {block.ms !== null &&
            ` ${block.outcome === "done" ? "in" : "after"} ${duration(block.ms)}`}
        </span>
        {facts.map((fact) => (
          <span key={fact} className="tabular-nums max-sm:hidden">
            · {fact}
          </span>
        ))}
        <span>
          · <Ago at={block.at} />
        </span>
        <span className="ml-2 h-px flex-1 bg-line" />
      </div>
    </div>
  );
});

/** Says the same again, while nothing was said since: what came after may have answered it. */
function Again({ block }: { block: TurnEndBlock }) {
  const { drives, actions, act, transcript } = useSessionPage();
  const [busy, setBusy] = useState(false);
  if (!drives || turnToRetry(transcript) !== block.turnId) return null;
  const again = () => {
    setBusy(true);
    void act(actions.sayAgain(block.turnId)).finally(() => setBusy(false));
  };
  return (
    <Button className="my-1" disabled={busy} onClick={again} data-testid="retry-turn">
      <RotateCw size={14} />
      Retry
    </Button>
  );
}

function count(tokens: number | null): string {
  const n = tokens ?? 0;
  return n < 10_000
    ? `${n.toLocaleString("en")} tokens`
    : `${(n / 1000).toFixed(n < 100_000 ? 1 : 0)}k tokens`;
}
