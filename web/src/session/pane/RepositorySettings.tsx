import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { repositorySettingsQueries, setUpAgain } from "@/api/repository-settings";
import type { SessionSettings, SettingSource } from "@/api/types";
import type { StageView, Transcript } from "@/log/model";
import { Button } from "@/ui/Button";
import { Coded, ErrorProblem } from "@/ui/Problem";
import { useSessionPage } from "../context";
import { AllowLink } from "../rows/Configured";

const SOURCES: Record<SettingSource, string> = {
  person: "chosen",
  admin: "by an admin",
  file: "by the repository",
  installation: "as everywhere here",
};

const FILES: Record<SessionSettings["file"], string> = {
  absent: "The repository has none",
  read: "Read",
  in_part: "Read in part",
  unusable: "Can’t be used",
  not_read: "Not read: an admin has it so",
};

/** How the session is set up for its repository, and what came from where. */
export function RepositorySettings({ visible }: { visible: boolean }) {
  const { id, session, transcript } = useSessionPage();
  const told = transcript.blocks.findLast((block) => block.kind === "configured")?.key;
  const { data, error } = useQuery({
    // Once they are told they are there; and an admin may allow more at any time.
    ...repositorySettingsQueries.ofSession(id, told ?? ""),
    enabled: visible && Boolean(session?.repository),
  });
  if (error) return <ErrorProblem error={error} />;
  return data ? <Facts settings={data} /> : null;
}

function Facts({ settings }: { settings: SessionSettings }) {
  const { file, troubles, commands, environment, egress, egress_refused, egress_allowed } =
    settings;
  return (
    <section data-testid="repository-settings">
      <h2 className="mb-1 text-ink-3">Settings of the repository</h2>
      <dl className="divide-y border-y">
        <Fact name="File">
          {FILES[file]}
          {troubles.map((trouble) => (
            <p key={trouble} className="text-12 text-bad">
              <Coded text={trouble} />
            </p>
          ))}
        </Fact>
        <Fact name="Model" note={SOURCES[settings.model_source]}>
          {settings.model}
        </Fact>
        <Fact name="Set-up">
          {commands.length === 0 && "Nothing is run"}
          <ol>
            {commands.map((command, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the same command may come twice
              <li key={index}>
                <code className="font-mono text-12 break-all whitespace-pre-wrap">{command}</code>
              </li>
            ))}
          </ol>
          {commands.length > 0 && (
            <div className="flex flex-wrap items-center gap-2">
              <span className="text-12 text-ink-3">{SOURCES[settings.commands_source]}</span>
              <SetUpAgain />
            </div>
          )}
        </Fact>
        <Fact name="Environment">
          {environment.length === 0 && "Nothing besides"}
          <ul>
            {environment.map(({ name, value, source }) => (
              <li key={name}>
                <code className="font-mono text-12 break-all">
                  {name}={value}
                </code>{" "}
                <span className="text-12 text-ink-3">{SOURCES[source]}</span>
              </li>
            ))}
          </ul>
        </Fact>
        {(egress || egress_allowed.length > 0) && (
          <Fact name="Reaches">
            {egress_allowed.length > 0 && (
              <p>
                Allowed besides, by an admin: <Hosts hosts={egress_allowed} />
              </p>
            )}
            {egress && (
              <p>
                The repository names <Hosts hosts={egress} />
              </p>
            )}
            {egress_refused.length > 0 && (
              <p className="text-bad">
                Not allowed here: <Hosts hosts={egress_refused} />
                <AllowLink />
              </p>
            )}
          </Fact>
        )}
      </dl>
    </section>
  );
}

function Hosts({ hosts }: { hosts: readonly string[] }) {
  return <span className="font-mono text-12 break-all">{hosts.join(", ") || "nothing"}</span>;
}

function Fact({ name, note, children }: { name: string; note?: string; children: ReactNode }) {
  return (
    <div className="flex gap-4 py-1.5">
      <dt className="w-28 shrink-0 text-ink-3">{name}</dt>
      <dd className="min-w-0 break-words">
        {children}
        {note && <span className="text-12 text-ink-3"> {note}</span>}
      </dd>
    </div>
  );
}

/** For those who may run programs in the sandbox, while it rests. */
export function SetUpAgain() {
  const { id, drives, state, act } = useSessionPage();
  if (!drives || state !== "idle") return null;
  return (
    <Button className="h-7 px-2 text-12" onClick={() => void act(setUpAgain(id))}>
      Run set-up again
    </Button>
  );
}

/** Whether the set-up commands came to no good end when they were run last. */
export function needsSetUpAgain({ blocks }: Transcript): boolean {
  const ofCommands = (stage: StageView) => stage.name === "commands";
  const last = blocks.findLast((block) => block.kind === "setup" && block.stages.some(ofCommands));
  return last?.kind === "setup" && last.stages.find(ofCommands)?.status === "failed";
}
