import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSignOut } from "@/api/people";
import { queries } from "@/api/queries";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Confirm";
import { ErrorProblem } from "@/ui/Problem";

/** Signing out; asked about where there is no account to come back with. */
export function ThisBrowser() {
  const { data: me } = useQuery(queries.me);
  const { data: accounts } = useQuery(queries.accounts);
  const signOut = useSignOut();
  const [asking, setAsking] = useState(false);
  const returns = accounts?.some((account) => account.usable);
  // A whole new page: nothing that this one has read stays behind.
  const leave = () => signOut.mutate(undefined, { onSuccess: () => location.assign("/") });
  if (!me || !accounts) return null;
  return (
    <section className="mt-10">
      <h2 className="font-semibold">This browser</h2>
      <div className="mt-1 flex flex-wrap items-center justify-between gap-x-4 gap-y-3">
        <p className="min-w-0 text-ink-2">
          You are signed in as {me.name}, {me.role === "admin" ? "an admin" : "a member"}.
        </p>
        <Button disabled={signOut.isPending} onClick={returns ? leave : () => setAsking(true)}>
          Sign out
        </Button>
      </div>
      {signOut.error && !asking && <ErrorProblem error={signOut.error} className="mt-3" />}
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title="Sign out of this browser?"
        verb="Sign out"
        keep="Stay"
        busy={signOut.isPending}
        error={signOut.error}
        onConfirm={leave}
      >
        {me.role === "admin" ? (
          <>
            No account is linked that you could come back with. On the hub’s machine,{" "}
            <code className="font-mono text-[0.88em]">bunkhouse admin link</code> prints a link that
            lets you in again.
          </>
        ) : (
          "No account is linked that you could come back with. You would need another invitation, " +
          "and be somebody else then: these sessions would not be yours."
        )}
      </Confirm>
    </section>
  );
}
