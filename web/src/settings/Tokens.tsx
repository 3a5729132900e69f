import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { accessQueries, useMakeToken, useRevokeToken } from "@/api/access";
import { queries } from "@/api/queries";
import type { Scope, Token } from "@/api/types";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Confirm";
import { ErrorProblem } from "@/ui/Problem";
import { Ago, Until } from "@/ui/time";
import { countIn, Days, Field } from "./Field";
import { Shown } from "./Shown";

const SCOPES: readonly { value: Scope; label: string; hint: string }[] = [
  { value: "read", label: "Read", hint: "See sessions, models, repositories and names" },
  { value: "sessions", label: "Sessions", hint: "Start, drive, share and delete sessions" },
  { value: "account", label: "Account", hint: "Your tokens and browsers, and GitHub" },
  { value: "admin", label: "Admin", hint: "Look after people" },
];

/** Tokens, with which programs come in one's name: those that are good, and a new one. */
export function Tokens() {
  const tokens = useQuery(accessQueries.tokens);
  const revoke = useRevokeToken();
  const [asked, setAsked] = useState<Token | null>(null);
  return (
    <section className="mt-10">
      <h2 className="font-semibold">Tokens</h2>
      <p className="mt-1 text-ink-2">
        With one of them a program does in your name what it is made for, and nothing else.
      </p>
      {tokens.error && <ErrorProblem error={tokens.error} className="mt-3" />}
      {tokens.data && tokens.data.items.length > 0 && (
        <ul aria-label="Tokens" className="mt-3 divide-y rounded-md border bg-raised">
          {tokens.data.items.map((token) => (
            <Row key={token.id} token={token} revoke={() => setAsked(token)} />
          ))}
        </ul>
      )}
      <New neverAllowed={tokens.data?.never_allowed ?? false} />
      <Confirm
        open={asked !== null}
        onClose={() => {
          setAsked(null);
          revoke.reset();
        }}
        title={`Revoke ${asked?.name ?? "the token"}?`}
        verb="Revoke"
        keep="Keep it"
        busy={revoke.isPending}
        error={revoke.error}
        onConfirm={() => asked && revoke.mutate(asked.id, { onSuccess: () => setAsked(null) })}
      >
        Whatever uses it is shut out at once, for good. You can make another one.
      </Confirm>
    </section>
  );
}

function Row({ token, revoke }: { token: Token; revoke: () => void }) {
  const { name, scopes, expires_at, last_used_at } = token;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-40">
        <p className="break-words">
          <span className="font-semibold">{name}</span>{" "}
          <span className="text-ink-2">{scopes.map(labelOf).join(", ")}</span>
        </p>
        <p className="text-13 text-ink-3">
          {last_used_at ? (
            <>
              used <Ago at={last_used_at} />
            </>
          ) : (
            "never used"
          )}{" "}
          ·{" "}
          {expires_at ? (
            <>
              expires <Until at={expires_at} />
            </>
          ) : (
            "does not expire"
          )}
        </p>
      </div>
      <Button aria-label={`Revoke ${name}`} onClick={revoke}>
        Revoke
      </Button>
    </li>
  );
}

function labelOf(scope: Scope): string {
  return SCOPES.find((each) => each.value === scope)?.label ?? scope;
}

function New({ neverAllowed }: { neverAllowed: boolean }) {
  const { data: me } = useQuery(queries.me);
  const make = useMakeToken();
  const [name, setName] = useState("");
  const [days, setDays] = useState("");
  const [never, setNever] = useState(false);
  const [scopes, setScopes] = useState<readonly Scope[]>(["read", "sessions"]);
  const secret = make.data?.token;
  const offered = SCOPES.filter((scope) => scope.value !== "admin" || me?.role === "admin");

  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate(
      {
        name: name.trim() || "token",
        scopes: [...scopes],
        days: never ? null : countIn(days),
        never,
      },
      { onSuccess: () => setName("") },
    );
  };

  return (
    <>
      <form onSubmit={submit} className="mt-3 rounded-md border bg-raised px-4 pt-3 pb-4">
        <h3 className="text-13 font-semibold">Make a token</h3>
        <div className="mt-2 grid gap-x-4 gap-y-3 sm:grid-cols-2">
          <Field
            label="What it is for"
            placeholder="token"
            maxLength={100}
            autoComplete="off"
            value={name}
            onValue={setName}
          />
          <div>
            <Days
              {...(never ? { placeholder: "for ever" } : {})}
              disabled={never}
              value={days}
              onValue={setDays}
            />
            {neverAllowed && (
              <label className="mt-1 flex min-h-6 items-center gap-2 text-13 text-ink-2 pointer-coarse:min-h-11">
                <input
                  type="checkbox"
                  checked={never}
                  onChange={(event) => setNever(event.target.checked)}
                  className="size-4 accent-[var(--accent)]"
                />
                It never expires
              </label>
            )}
          </div>
        </div>
        <fieldset className="mt-3">
          <legend className="text-13 text-ink-2">It may</legend>
          <div className="mt-1 grid gap-x-4 sm:grid-cols-2">
            {offered.map((scope) => (
              <label
                key={scope.value}
                className="flex items-start gap-2 py-1 pointer-coarse:min-h-11"
              >
                <input
                  type="checkbox"
                  aria-label={scope.label}
                  checked={scopes.includes(scope.value)}
                  onChange={(event) =>
                    setScopes(
                      event.target.checked
                        ? [...scopes, scope.value]
                        : scopes.filter((each) => each !== scope.value),
                    )
                  }
                  className="mt-1 size-4 shrink-0 accent-[var(--accent)]"
                />
                <span>
                  {scope.label}
                  <span className="block text-12 text-ink-3">{scope.hint}</span>
                </span>
              </label>
            ))}
          </div>
        </fieldset>
        <Button
          type="submit"
          look="main"
          className="mt-4"
          disabled={make.isPending || scopes.length === 0}
        >
          Make a token
        </Button>
        {make.error && <ErrorProblem error={make.error} className="mt-3" />}
      </form>
      {secret && (
        <Shown
          label="The new token"
          title="Here is the token."
          secret={secret}
          copy="Copy the token"
          done={make.reset}
        >
          It is shown only now, and kept nowhere.
        </Shown>
      )}
    </>
  );
}
