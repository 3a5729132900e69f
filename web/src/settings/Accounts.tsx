import { useQuery } from "@tanstack/react-query";
import { queries, useLinkAccount, useUnlinkAccount } from "@/api/queries";
import type { LinkedAccount, OfferedProvider } from "@/api/types";
import { Button } from "@/ui/Button";
import { ErrorProblem } from "@/ui/Problem";
import { Ago } from "@/ui/time";
import { GitHub } from "./GitHub";
import { ThisBrowser } from "./ThisBrowser";

const HERE = "/settings/accounts";

/** What a provider is called that is not offered any more. */
const NAMES: Record<OfferedProvider["key"], string> = {
  github: "GitHub",
  google: "Google",
  oidc: "OpenID Connect",
};

/** What one signs in with, what the hub may do for one at GitHub, and the way out. */
export function Accounts() {
  const accounts = useQuery(queries.accounts);
  const ways = useQuery(queries.waysIn);
  const unlink = useUnlinkAccount();
  const error = accounts.error ?? ways.error;
  const providers = ways.data?.providers ?? [];
  const nameOf = (key: OfferedProvider["key"]) =>
    providers.find((provider) => provider.key === key)?.name ?? NAMES[key];
  return (
    <>
      <h1 className="text-24 font-semibold">Accounts</h1>
      <p className="mt-2 text-ink-2">
        What you sign in with. With each of them you are the same person here; an account that is
        not linked is somebody else, even with the same address.
      </p>
      {error && <ErrorProblem error={error} className="mt-4" />}
      {accounts.data && accounts.data.length > 0 && (
        <ul aria-label="Linked accounts" className="mt-6 divide-y rounded-md border bg-raised">
          {accounts.data.map((account) => (
            <Account
              key={account.id}
              account={account}
              provider={nameOf(account.provider)}
              busy={unlink.isPending}
              unlink={() => unlink.mutate(account.id)}
            />
          ))}
        </ul>
      )}
      {accounts.data?.length === 0 && (
        <p className="mt-6 rounded-md border bg-raised px-4 py-3 text-ink-2">
          None is linked: this browser was let in by a link.
        </p>
      )}
      {unlink.error && <ErrorProblem error={unlink.error} className="mt-3" />}
      {ways.data && <Further providers={providers} />}
      <GitHub />
      <ThisBrowser />
    </>
  );
}

function Account({
  account,
  provider,
  busy,
  unlink,
}: {
  account: LinkedAccount;
  provider: string;
  busy: boolean;
  unlink: () => void;
}) {
  const { login, name, email } = account;
  const called = login ?? email ?? name ?? "";
  const more = [name, email].filter((each) => each && each !== called).join(" · ");
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-60">
        <p className="break-words">
          <span className="font-semibold">{provider}</span> {called}
        </p>
        <p className="text-13 break-words text-ink-3">
          {more && <>{more} · </>}
          {account.last_used_at ? (
            <>
              last used <Ago at={account.last_used_at} />
            </>
          ) : (
            "not used yet"
          )}
        </p>
        {!account.usable && (
          <p className="text-13 text-ink-2">One can’t sign in with it here at the moment.</p>
        )}
      </div>
      <Button aria-label={`Unlink ${provider} ${called}`} disabled={busy} onClick={unlink}>
        Unlink
      </Button>
    </li>
  );
}

function Further({ providers }: { providers: OfferedProvider[] }) {
  const link = useLinkAccount();
  if (providers.length === 0) {
    return (
      <p className="mt-4 text-ink-2">
        There is none to link: this installation offers no provider to sign in with.
      </p>
    );
  }
  return (
    <section className="mt-8">
      <h2 className="font-semibold">Link a further account</h2>
      <p className="mt-1 text-ink-2">You choose it at the provider, and come back here.</p>
      <div className="mt-3 flex flex-wrap gap-2">
        {providers.map(({ key, name }) => (
          <Button
            key={key}
            disabled={link.isPending}
            onClick={() =>
              link.mutate(
                { provider: key, next: HERE },
                { onSuccess: ({ url }) => location.assign(url) },
              )
            }
          >
            Link {name}
          </Button>
        ))}
      </div>
      {link.error && <ErrorProblem error={link.error} className="mt-3" />}
    </section>
  );
}
