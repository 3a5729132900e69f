import { useQuery } from "@tanstack/react-query";
import { Check, Minus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { githubApp, useRemoveGitHubApp, useSetUpGitHubApp } from "@/api/github-app";
import { queries } from "@/api/queries";
import type { GitHubState, RegisteredApp } from "@/api/types";
import { Button, LinkButton } from "@/ui/Button";
import { Confirm } from "@/ui/Confirm";
import { ErrorProblem, Problem } from "@/ui/Problem";
import { Ago } from "@/ui/time";
import { Field } from "./Field";

/** What GitHub is to this installation: an App that is set up here, or what the environment says. */
export function GitHubApp() {
  const { data: me } = useQuery(queries.me);
  if (!me) return null;
  if (me.role !== "admin") {
    return (
      <>
        <h1 className="text-24 font-semibold">GitHub</h1>
        <p className="mt-2 text-ink-2">
          Admins set up GitHub for this installation, and you are a member. What the hub may do for
          you there is on the page Accounts.
        </p>
      </>
    );
  }
  return <ForAdmins />;
}

function ForAdmins() {
  const { data: github, error } = useQuery(githubApp);
  return (
    <>
      <h1 className="text-24 font-semibold">GitHub</h1>
      <p className="mt-2 text-ink-2">
        With a GitHub App people sign in with GitHub, sessions work in the repositories where it is
        installed, and reviews come here by themselves. GitHub makes it and hands over its keys:
        there is nothing to copy.
      </p>
      {error && <ErrorProblem error={error} className="mt-4" />}
      {github?.client_is_set && <ByEnvironment github={github} />}
      {github?.app && <Registered app={github.app} />}
      {github && !github.app && !github.client_is_set && <SetUp github={github} />}
    </>
  );
}

function ByEnvironment({ github }: { github: GitHubState }) {
  return (
    <p className="mt-6 rounded-md border bg-raised px-4 py-3 text-ink-2">
      People sign in at <span className="font-semibold text-ink">{github.url}</span> as the hub’s
      environment says (<code className="font-mono text-12">BUNKHOUSE_GITHUB_CLIENT_ID</code>). That
      goes before an App that is set up here: to set one up, take the setting away and start the hub
      anew.
    </p>
  );
}

function Registered({ app }: { app: RegisteredApp }) {
  const remove = useRemoveGitHubApp();
  const [asking, setAsking] = useState(false);
  return (
    <section aria-label="The GitHub App" className="mt-6 rounded-md border bg-raised">
      <div className="px-4 py-3">
        <p className="break-words">
          <span className="font-semibold">{app.name}</span>{" "}
          <span className="text-ink-3">
            of {app.owner} at {app.host}
          </span>
        </p>
        <p className="text-13 text-ink-3">
          set up <Ago at={app.created_at} />
        </p>
        <ul className="mt-2 space-y-1 text-13 text-ink-2">
          <Fact good={app.in_use}>
            {app.in_use
              ? "People sign in with it."
              : "It is not in use: the hub’s environment says otherwise, or its keys are missing."}
          </Fact>
          <Fact good={app.hears}>
            {app.hears
              ? "GitHub tells of reviews, comments and checks by webhook."
              : "It has no webhook, since GitHub can’t reach this hub: reviews and checks are asked for."}
          </Fact>
        </ul>
        {app.problem && <Problem className="mt-3" message={app.problem} />}
      </div>
      <div className="flex flex-wrap gap-2 border-t px-4 py-3">
        <LinkButton look="main" href={app.install_url}>
          Install it on repositories
        </LinkButton>
        <LinkButton href={app.settings_url}>Its settings at GitHub</LinkButton>
        <Button look="quiet" className="ml-auto" onClick={() => setAsking(true)}>
          Remove
        </Button>
      </div>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={`Remove ${app.name}?`}
        verb="Remove it"
        keep="Keep it"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate(undefined, { onSuccess: () => setAsking(false) })}
      >
        <p>
          Nobody can sign in with GitHub any more; whoever has no other account needs a link. What
          people allowed the hub there ends within hours, so sessions can’t clone or push, and no
          webhook is taken. Its keys are forgotten here.
        </p>
        <p className="mt-2">
          At GitHub the App stays until you delete it, under its settings there.
        </p>
      </Confirm>
    </section>
  );
}

function Fact({ good, children }: { good: boolean; children: string }) {
  return (
    <li className="flex items-baseline gap-2">
      {good ? (
        <Check size={14} className="shrink-0 translate-y-0.5 text-good" aria-hidden />
      ) : (
        <Minus size={14} className="shrink-0 translate-y-0.5 text-ink-3" aria-hidden />
      )}
      <span>{children}</span>
    </li>
  );
}

function SetUp({ github }: { github: GitHubState }) {
  const setUp = useSetUpGitHubApp();
  const [organization, setOrganization] = useState("");
  const [url, setUrl] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setUp.mutate(
      { organization: organization.trim() || null, url: url.trim() || null },
      { onSuccess: (begun) => location.assign(begun.url) },
    );
  };
  return (
    <form onSubmit={submit} className="mt-6 rounded-md border bg-raised px-4 pt-3 pb-4">
      <h2 className="font-semibold">Set up a GitHub App</h2>
      <p className="mt-1 text-13 text-ink-2">
        You are sent to GitHub, choose its name there, and come back. Then install it on the
        repositories that people are to work in.
      </p>
      <div className="mt-3 grid gap-x-4 gap-y-3 sm:grid-cols-2">
        <Field
          label="Organization"
          hint="Whose App it is to be. Empty: your own."
          autoComplete="off"
          spellCheck={false}
          maxLength={100}
          value={organization}
          onValue={setOrganization}
        />
        {github.url_is_set ? (
          <p className="text-13 text-ink-2">
            At <span className="font-semibold text-ink">{github.url}</span>, as{" "}
            <code className="font-mono text-12">BUNKHOUSE_GITHUB_URL</code> says.
          </p>
        ) : (
          <Field
            label="GitHub Enterprise"
            hint="Its address, in place of github.com."
            type="url"
            autoComplete="off"
            placeholder="https://github.example.org"
            maxLength={500}
            value={url}
            onValue={setUrl}
          />
        )}
      </div>
      <p className="mt-3 text-13 text-ink-2">
        The App is told that this hub is at{" "}
        <code className="font-mono text-12 break-all">{github.hub_url}</code>.{" "}
        {!github.reachable && (
          <>
            GitHub can’t reach it there, so it gets no webhook: reviews and checks have to be asked
            for. Behind a public address, set{" "}
            <code className="font-mono text-12">BUNKHOUSE_PUBLIC_URL</code> first.
          </>
        )}
      </p>
      <Button type="submit" look="main" className="mt-4" disabled={setUp.isPending}>
        Set up a GitHub App
      </Button>
      {setUp.error && <ErrorProblem error={setUp.error} className="mt-3" />}
    </form>
  );
}
