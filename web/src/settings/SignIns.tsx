import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { accessQueries, useEndBrowser, useEndOtherBrowsers } from "@/api/access";
import type { Browser } from "@/api/types";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Confirm";
import { ErrorProblem } from "@/ui/Problem";
import { Ago } from "@/ui/time";

/** The browsers that one is signed in with, and those that had to be signed out. */
export function SignIns() {
  const browsers = useQuery(accessQueries.browsers);
  const end = useEndBrowser();
  const endOthers = useEndOtherBrowsers();
  const [asking, setAsking] = useState(false);
  const ended = browsers.data?.filter((each) => each.ended_at !== null) ?? [];
  const good = browsers.data?.filter((each) => each.ended_at === null) ?? [];
  const here = good.filter((each) => each.here);
  const others = good.filter((each) => !each.here);
  return (
    <section className="mt-6">
      <h2 className="font-semibold">Where you are signed in</h2>
      <p className="mt-1 text-ink-2">
        Sign a browser out that you do not know, or do not use any more. What it has open ends at
        once.
      </p>
      {browsers.error && <ErrorProblem error={browsers.error} className="mt-3" />}
      {ended.map((browser) => (
        <div
          key={browser.id}
          role="alert"
          className="mt-3 flex flex-wrap items-center gap-x-4 gap-y-2 rounded-md border border-bad-line bg-bad-tint px-4 py-3"
        >
          <p className="min-w-0 flex-1 basis-60">
            <span className="font-semibold">{nameOf(browser)} was signed out</span>{" "}
            {browser.ended_at && <Ago at={browser.ended_at} />}: an old copy of its cookie was used.
            Somebody else may have had it. If you do not know why, see what is done in your name.
          </p>
          <Button disabled={end.isPending} onClick={() => end.mutate(browser.id)}>
            I have seen it
          </Button>
        </div>
      ))}
      {good.length > 0 && (
        <ul
          aria-label="Where you are signed in"
          className="mt-3 divide-y rounded-md border bg-raised"
        >
          {[...here, ...others].map((browser) => (
            <Row
              key={browser.id}
              browser={browser}
              busy={end.isPending}
              end={() => end.mutate(browser.id)}
            />
          ))}
        </ul>
      )}
      {end.error && <ErrorProblem error={end.error} className="mt-3" />}
      {others.length > 1 && (
        <Button className="mt-3" onClick={() => setAsking(true)}>
          Sign all others out
        </Button>
      )}
      <Confirm
        open={asking}
        onClose={() => {
          setAsking(false);
          endOthers.reset();
        }}
        title="Sign all other browsers out?"
        verb="Sign them out"
        busy={endOthers.isPending}
        error={endOthers.error}
        onConfirm={() => endOthers.mutate(undefined, { onSuccess: () => setAsking(false) })}
      >
        You stay signed in here alone. Tokens stay, too.
      </Confirm>
    </section>
  );
}

function nameOf(browser: Browser): string {
  return browser.device ?? "A browser";
}

function Row({ browser, busy, end }: { browser: Browser; busy: boolean; end: () => void }) {
  const { here, address, created_at, last_seen_at } = browser;
  const name = nameOf(browser);
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-40">
        <p className="break-words">
          <span className="font-semibold">{name}</span>
          {here && <span className="text-ink-3"> · this browser</span>}
        </p>
        <p className="text-13 break-words text-ink-3">
          {address && `${address} · `}
          {last_seen_at && (
            <>
              seen <Ago at={last_seen_at} /> ·{" "}
            </>
          )}
          since <Ago at={created_at} />
        </p>
      </div>
      {!here && (
        <Button aria-label={`Sign ${name} out`} disabled={busy} onClick={end}>
          Sign out
        </Button>
      )}
    </li>
  );
}
