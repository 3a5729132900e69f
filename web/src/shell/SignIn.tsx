import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouterState } from "@tanstack/react-router";
import type { Refusal } from "@/api/client";
import { queries } from "@/api/queries";
import type { OfferedProvider } from "@/api/types";
import { Button, LinkButton } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";
import { ErrorProblem } from "@/ui/Problem";
import { Mark } from "./Mark";

const COMMAND = "bunkhouse admin link";

/** Nobody is signed in here: how to get in, in plain words. */
export function SignIn({ why = null }: { why?: Refusal | null }) {
  const ways = useQuery(queries.waysIn);
  // Whether there are providers says what the page is about: better nothing than a page that jumps.
  if (ways.isPending) return null;
  const providers = ways.data?.providers ?? [];
  return (
    <main data-testid="sign-in" className="grid min-h-dvh place-items-center bg-ground p-6">
      <div className="w-full max-w-md rounded-md border bg-raised p-6">
        <div className="flex items-center gap-2.5">
          <Mark size={24} />
          <span className="font-semibold">Bunkhouse</span>
        </div>
        {why?.code === "sign_in_copied" && <ErrorProblem error={why} className="mt-6" />}
        {providers.length > 0 ? (
          <>
            <h1 className="mt-6 text-18 font-semibold">Sign in</h1>
            <Providers providers={providers} />
            <h2 className="mt-6 border-t pt-5 font-semibold">Or open the link from the terminal</h2>
            <p className="mt-1 text-ink-2">
              For whoever set Bunkhouse up: when it starts, its terminal shows a link that works
              once and needs no account.
            </p>
          </>
        ) : (
          <>
            <h1 className="mt-6 text-18 font-semibold">Open the link from the terminal</h1>
            <p className="mt-2 text-ink-2">
              This browser is not signed in. When Bunkhouse starts, its terminal shows a link that
              works once: open it here and you are in. No account is needed.
            </p>
          </>
        )}
        <NewLink />
      </div>
    </main>
  );
}

/** Plain links: the hub sends the browser on, and back to the page that was asked for. */
function Providers({ providers }: { providers: OfferedProvider[] }) {
  const here = useRouterState({ select: (state) => state.location.href });
  return (
    <ul className="mt-4 grid gap-2">
      {providers.map(({ key, name, start }) => (
        <li key={key} className="grid">
          <LinkButton
            data-testid={`sign-in-${key}`}
            href={`${start}?${new URLSearchParams({ next: here })}`}
            className="h-10"
          >
            <span className="truncate">Continue with {name}</span>
          </LinkButton>
        </li>
      ))}
    </ul>
  );
}

function NewLink() {
  const client = useQueryClient();
  return (
    <>
      <p className="mt-4 text-ink-2">
        Used it already, or can’t find it? On the hub’s machine, this prints a new one:
      </p>
      <div className="mt-2 flex items-center justify-between gap-2 rounded-md border bg-sunken py-1 pr-1 pl-3">
        <code className="text-13">{COMMAND}</code>
        <CopyButton text={COMMAND} label="Copy the command" />
      </div>
      <Button look="plain" className="mt-6" onClick={() => void client.invalidateQueries()}>
        I have opened it
      </Button>
    </>
  );
}
