import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Refusal } from "@/api/client";
import { peopleQueries, useForgetGrant, useGiveToken } from "@/api/people";
import type { Grant } from "@/api/types";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Confirm";
import { ErrorProblem } from "@/ui/Problem";
import { StateMark } from "@/ui/StateMark";
import { Ago, Until } from "@/ui/time";
import { Field } from "./Field";

const ORIGIN: Record<Grant["kind"], string> = {
  token: "a token that you gave",
  oauth: "from signing in",
  app: "from signing in",
};

/** What the hub may do for one at GitHub, by a token that comes in here and never goes out. */
export function GitHub() {
  const grants = useQuery(peopleQueries.grants);
  const [giving, setGiving] = useState(false);
  // An installation without a forge has no such thing to give.
  if (grants.error instanceof Refusal && grants.error.status === 404) return null;
  const found = grants.data ?? [];
  return (
    <section className="mt-10">
      <h2 className="font-semibold">GitHub</h2>
      <p className="mt-1 text-ink-2">
        With your rights there, sessions that you start clone private repositories and push their
        own branch. The token stays in the hub, encrypted; no sandbox and no page is given it.
      </p>
      {grants.error && <ErrorProblem error={grants.error} className="mt-3" />}
      {found.length > 0 && (
        <ul aria-label="Rights at GitHub" className="mt-3 divide-y rounded-md border bg-raised">
          {found.map((grant) => (
            <Given key={grant.host} grant={grant} onReplace={() => setGiving(true)} />
          ))}
        </ul>
      )}
      {grants.data && (giving || found.length === 0) && (
        <Give replaces={found.length > 0} onDone={() => setGiving(false)} />
      )}
    </section>
  );
}

function Given({ grant, onReplace }: { grant: Grant; onReplace: () => void }) {
  const { host, kind, login, name, scopes, created_at, expires_at, revoked, install_url } = grant;
  const forget = useForgetGrant();
  const [asking, setAsking] = useState(false);
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-60">
        <p className="break-words">
          <span className="font-semibold">{login}</span>
          {name && name !== login && <> · {name}</>} <span className="text-ink-3">at {host}</span>
        </p>
        <p className="text-13 text-ink-3">
          {ORIGIN[kind]} <Ago at={created_at} />
          {!revoked && expires_at && (
            <>
              {" · ends "}
              <Until at={expires_at} />
              {kind !== "token" && ", unless it is renewed before"}
            </>
          )}
        </p>
        <p className="mt-0.5 text-13 break-words text-ink-2">
          {scopes.length > 0 ? (
            <>
              May: <span className="font-mono text-12">{scopes.join(", ")}</span>
            </>
          ) : install_url ? (
            <>
              May do what its App may, where{" "}
              <a href={install_url} className="text-accent-text underline underline-offset-4">
                it is installed
              </a>
              .
            </>
          ) : (
            "May do what was chosen for it at GitHub."
          )}
        </p>
        {revoked && (
          <p className="mt-1 flex items-baseline gap-2 text-13 text-bad">
            <StateMark state="failed" className="translate-y-px" />
            GitHub does not take it any more. Give a new token
            {kind !== "token" && ", or sign in with GitHub again"}.
          </p>
        )}
      </div>
      <div className="flex gap-2">
        <Button onClick={onReplace}>Replace</Button>
        <Button look="quiet" aria-label={`Forget ${login}`} onClick={() => setAsking(true)}>
          Forget
        </Button>
      </div>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title="Forget this token?"
        verb="Forget it"
        keep="Keep it"
        busy={forget.isPending}
        error={forget.error}
        onConfirm={() => forget.mutate(undefined, { onSuccess: () => setAsking(false) })}
      >
        Sessions of yours can’t clone private repositories or push any more. It stays good at GitHub
        until you revoke it there.
      </Confirm>
    </li>
  );
}

function Give({ replaces, onDone }: { replaces: boolean; onDone: () => void }) {
  const give = useGiveToken();
  const [token, setToken] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    give.mutate(token.trim(), {
      onSuccess: () => {
        setToken("");
        onDone();
      },
    });
  };
  return (
    <form onSubmit={submit} className="mt-3 rounded-md border bg-raised px-4 pt-3 pb-4">
      <h3 className="text-13 font-semibold">{replaces ? "Give another token" : "Give a token"}</h3>
      <p className="mt-1 text-13 text-ink-2">
        Make one at GitHub, under Settings → Developer settings: a fine-grained one for your
        repositories with <em>Contents: read and write</em>, and for pull requests{" "}
        <em>Pull requests: read and write</em>; or a classic one with the scope{" "}
        <code className="font-mono text-12">repo</code>.
      </p>
      <div className="mt-3 flex flex-wrap items-end gap-2">
        <div className="min-w-0 flex-1 basis-60">
          <Field
            label="Token"
            type="password"
            autoComplete="off"
            spellCheck={false}
            required
            maxLength={1024}
            placeholder="github_pat_…"
            value={token}
            onValue={setToken}
          />
        </div>
        <Button type="submit" look="main" disabled={give.isPending || token.trim() === ""}>
          {give.isPending ? "Asking GitHub…" : "Give it"}
        </Button>
        {replaces && (
          <Button look="quiet" onClick={onDone}>
            Cancel
          </Button>
        )}
      </div>
      {give.error && <ErrorProblem error={give.error} className="mt-3" />}
    </form>
  );
}
