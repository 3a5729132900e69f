import { useState } from "react";
import type { Question } from "@/api/types";
import type { QuestionBlock } from "@/log/model";
import { Button } from "@/ui/Button";
import { Kbd } from "@/ui/Kbd";
import { useSessionPage } from "../context";
import { Card } from "./Card";

interface Answer {
  chosen: string[];
  own: string;
}

const NOTHING: Answer = { chosen: [], own: "" };

function labels({ chosen, own }: Answer): string[] {
  return own.trim() ? [...chosen, own.trim()] : chosen;
}

/** The agent asks people something: options, own words, one or several questions. */
export function QuestionCard({ block, more }: { block: QuestionBlock; more: number }) {
  const { drives, actions, act } = useSessionPage();
  const { questions, request_id } = block.request;
  const [answers, setAnswers] = useState<Answer[]>(() => questions.map(() => NOTHING));
  const [busy, setBusy] = useState(false);
  const complete = answers.every((answer) => labels(answer).length > 0);

  const send = (value: string[][] | null) => {
    setBusy(true);
    void act(actions.question(request_id, value)).then((done) => {
      if (!done) setBusy(false);
    });
  };
  const single = questions.length === 1 ? questions[0] : undefined;

  return (
    <Card
      testId="question-card"
      more={more}
      title={single ? single.header || "It asks you" : `It asks ${questions.length} things`}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (complete && !busy) send(answers.map(labels));
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            event.currentTarget.requestSubmit();
          }
        }}
      >
        <div className="max-h-[46vh] space-y-4 overflow-y-auto px-4 py-2">
          {questions.map((question, index) => (
            <Ask
              // biome-ignore lint/suspicious/noArrayIndexKey: questions have no identity but their place
              key={index}
              name={`${request_id}-${index}`}
              question={question}
              answer={answers[index] ?? NOTHING}
              disabled={!drives}
              onChange={(answer) => setAnswers(answers.with(index, answer))}
            />
          ))}
        </div>
        {drives && (
          <div className="flex gap-2 border-t px-4 py-3">
            <Button
              look="main"
              type="submit"
              data-testid="question-send"
              disabled={!complete || busy}
            >
              Answer <Kbd keys="Ctrl+Enter" />
            </Button>
            <Button
              look="quiet"
              data-testid="question-dismiss"
              disabled={busy}
              onClick={() => send(null)}
            >
              Don’t answer
            </Button>
          </div>
        )}
      </form>
    </Card>
  );
}

function Ask({
  name,
  question,
  answer,
  disabled,
  onChange,
}: {
  name: string;
  question: Question;
  answer: Answer;
  disabled: boolean;
  onChange: (answer: Answer) => void;
}) {
  const toggle = (label: string) => {
    if (!question.multiple) return onChange({ chosen: [label], own: "" });
    const chosen = answer.chosen.includes(label)
      ? answer.chosen.filter((other) => other !== label)
      : [...answer.chosen, label];
    onChange({ ...answer, chosen });
  };
  return (
    <fieldset disabled={disabled}>
      <legend className="mb-1.5">{question.question}</legend>
      <div className="space-y-1">
        {question.options.map((option) => (
          <label
            key={option.label}
            className="target flex items-start gap-2.5 rounded-md border px-3 py-1.5 transition-colors has-enabled:cursor-pointer has-enabled:hover:bg-hover has-checked:border-accent has-checked:bg-accent-tint"
          >
            <input
              type={question.multiple ? "checkbox" : "radio"}
              name={name}
              checked={answer.chosen.includes(option.label)}
              onChange={() => toggle(option.label)}
              className="mt-1.5 accent-[var(--accent-text)]"
            />
            <span>
              {option.label}
              {option.description && (
                <span className="block text-13 text-ink-3">{option.description}</span>
              )}
            </span>
          </label>
        ))}
        {question.custom && !disabled && (
          <input
            value={answer.own}
            aria-label="In your own words"
            placeholder="In your own words"
            onChange={(event) =>
              onChange({ chosen: question.multiple ? answer.chosen : [], own: event.target.value })
            }
            className="target h-9 w-full rounded-md border bg-transparent px-3"
          />
        )}
      </div>
    </fieldset>
  );
}
