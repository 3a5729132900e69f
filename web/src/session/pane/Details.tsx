import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { useDeleteSession } from "@/api/queries";
import { owns } from "@/api/rights";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";
import { Dialog } from "@/ui/Dialog";
import { ErrorProblem } from "@/ui/Problem";
import { Ago, duration, exact } from "@/ui/time";
import { useSessionPage } from "../context";
import { Memory } from "./Memory";
import { RepositorySettings } from "./RepositorySettings";

/** The facts of a session, for those who look under the floor. */
export function Details({ visible }: { visible: boolean }) {
  const { id, session, transcript } = useSessionPage();
  const ready = transcript.blocks.findLast(
    (block) => block.kind === "setup" && block.purpose !== "again",
  );
  const stages = ready?.kind === "setup" ? ready.stages : [];
  const { usage, refused } = transcript;
  return (
    <div data-testid="details" className="space-y-6 p-4 text-13">
      <Facts
        title="Session"
        rows={[
          [
            "Id",
            <span key="id" className="flex items-center gap-1 font-mono text-12">
              <span className="break-all">{id}</span>
              <CopyButton text={id} label="Copy the id" className="-my-1.5" />
            </span>,
          ],
          ["Repository", session?.repository ?? "none"],
          ["Branch", session?.branch ?? "default"],
          ["Model", session?.model ?? ""],
          ["Begun by", session?.author ?? ""],
          ...(session?.forked_from
            ? ([
                [
                  "Forked from",
                  <Link
                    key="fork"
                    to="/sessions/$sessionId"
                    params={{ sessionId: session.forked_from.session_id }}
                    className="text-accent-text underline underline-offset-4"
                  >
                    {session.forked_from.title}
                  </Link>,
                ],
              ] as Row[])
            : []),
          ["Begun", session ? <Ago key="at" at={session.created_at} /> : ""],
          ["Events", transcript.lastSeq.toLocaleString("en")],
        ]}
      />
      {stages.length > 0 && (
        <Facts
          title="Getting ready"
          rows={stages.map((stage) => [
            stage.name,
            <span key={stage.name} className="tabular-nums" title={exact(stage.at)}>
              {stage.ms === null ? stage.status : duration(stage.ms)}
            </span>,
          ])}
        />
      )}
      <RepositorySettings visible={visible} />
      <Memory visible={visible} />
      {usage.turns > 0 && (
        <Facts
          title="Used"
          rows={[
            ["Turns", usage.turns.toLocaleString("en")],
            ["Tokens in", usage.inputTokens.toLocaleString("en")],
            ["Tokens out", usage.outputTokens.toLocaleString("en")],
            ...(usage.cost === null ? [] : ([["Cost", `$${usage.cost.toFixed(4)}`]] as Row[])),
          ]}
        />
      )}
      <section>
        <h2 className="mb-1 text-ink-3">Refused by the sandbox’s policy</h2>
        {refused.length === 0 ? (
          <p className="text-ink-3">Nothing so far.</p>
        ) : (
          <ul className="divide-y border-y">
            {refused.map((target) => (
              <li key={`${target.host}:${target.port}`} className="py-1.5">
                <span className="flex justify-between gap-3">
                  <code className="text-12 break-all">
                    {target.host}:{target.port}
                    {target.protocol === "udp" && " udp"}
                  </code>
                  <span className="shrink-0 text-ink-3 tabular-nums">{target.count}×</span>
                </span>
                <span className="text-12 text-ink-3">{target.reason}</span>
              </li>
            ))}
          </ul>
        )}
      </section>
      {owns(session) && <Delete />}
    </div>
  );
}

type Row = [string, ReactNode];

function Facts({ title, rows }: { title: string; rows: Row[] }) {
  return (
    <section>
      <h2 className="mb-1 text-ink-3">{title}</h2>
      <dl className="divide-y border-y">
        {rows.map(([name, value]) => (
          <div key={name} className="flex gap-4 py-1.5">
            <dt className="w-28 shrink-0 text-ink-3 first-letter:uppercase">{name}</dt>
            <dd className="min-w-0 break-words">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Delete() {
  const { id, session } = useSessionPage();
  const [asking, setAsking] = useState(false);
  const remove = useDeleteSession();
  const navigate = useNavigate();
  return (
    <section>
      <Button look="danger" onClick={() => setAsking(true)}>
        Delete this session
      </Button>
      <Dialog open={asking} onClose={() => setAsking(false)} title="Delete this session?">
        <p className="text-ink-2">
          “{session?.title}” goes with its transcript, its sandbox and all files in it. This can’t
          be undone.
        </p>
        {remove.error && <ErrorProblem error={remove.error} className="mt-3" />}
        <div className="mt-4 flex gap-2">
          <Button
            look="danger"
            data-testid="delete-confirm"
            disabled={remove.isPending}
            onClick={() => remove.mutate(id, { onSuccess: () => void navigate({ to: "/" }) })}
          >
            Delete
          </Button>
          <Button look="quiet" onClick={() => setAsking(false)}>
            Keep it
          </Button>
        </div>
      </Dialog>
    </section>
  );
}
