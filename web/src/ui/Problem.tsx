import { clsx } from "clsx";
import { CircleX } from "lucide-react";
import type { ReactNode } from "react";
import { Refusal } from "@/api/client";

/** What went wrong, and what to do about it. Words between backticks are shown as code. */
export function Problem({
  message,
  remedy,
  detail,
  children,
  className,
  ...rest
}: {
  message: string;
  remedy?: string | null;
  detail?: string | null;
  children?: ReactNode;
  className?: string;
  "data-testid"?: string;
}) {
  return (
    <div
      role="alert"
      className={clsx("flex gap-2.5 rounded-md border border-bad-line bg-bad-tint p-3", className)}
      {...rest}
    >
      <CircleX size={16} className="mt-1 shrink-0 text-bad" />
      <div className="min-w-0 flex-1">
        <p className="break-words">
          <Coded text={message} />
        </p>
        {remedy && (
          <p className="mt-0.5 text-13 break-words text-ink-2">
            <Coded text={remedy} />
          </p>
        )}
        {detail && (
          <pre className="mt-2 max-h-48 overflow-auto font-mono text-12 whitespace-pre-wrap text-ink-2">
            {detail}
          </pre>
        )}
        {children && <div className="mt-3 flex flex-wrap gap-2">{children}</div>}
      </div>
    </div>
  );
}

export function ErrorProblem({ error, className }: { error: Error; className?: string }) {
  return (
    <Problem
      className={className}
      message={error.message}
      remedy={
        error instanceof Refusal ? error.remedy : "Is it running? The page tries again by itself."
      }
    />
  );
}

export function Coded({ text }: { text: string }) {
  return text.split("`").map((part, index) =>
    index % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts have no identity but their place
      <code key={index} className="font-mono text-[0.88em] break-all">
        {part}
      </code>
    ) : (
      part
    ),
  );
}
