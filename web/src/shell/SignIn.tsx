import { useQueryClient } from "@tanstack/react-query";
import { Button } from "@/ui/Button";
import { CopyButton } from "@/ui/CopyButton";
import { Mark } from "./Mark";

const COMMAND = "bunkhouse admin link";

/** Nobody is signed in here: how to get in, in plain words. */
export function SignIn() {
  const client = useQueryClient();
  return (
    <main data-testid="sign-in" className="grid h-dvh place-items-center bg-ground p-6">
      <div className="w-full max-w-md rounded-md border bg-raised p-6">
        <div className="flex items-center gap-2.5">
          <Mark size={24} />
          <span className="font-semibold">Bunkhouse</span>
        </div>
        <h1 className="mt-6 text-18 font-semibold">Open the link from the terminal</h1>
        <p className="mt-2 text-ink-2">
          This browser is not signed in. When Bunkhouse starts, its terminal shows a link that works
          once: open it here and you are in. No account is needed.
        </p>
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
      </div>
    </main>
  );
}
