import { useQuery } from "@tanstack/react-query";
import { Link2, X } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { shareQueries, useMakeShareLink, useRevokeShareLink } from "@/api/share-links";
import type { SessionRole, ShareLink } from "@/api/types";
import { Count, countIn, Days } from "@/settings/Field";
import { Shown } from "@/settings/Shown";
import { Button, IconButton } from "@/ui/Button";
import { type Option, Pick } from "@/ui/Pick";
import { ErrorProblem } from "@/ui/Problem";
import { Until } from "@/ui/time";
import { aRole, ROLES } from "./words";

type As = Exclude<SessionRole, "owner"> | "public";

const AS = ROLES.filter(({ value }) => value !== "owner") as readonly Option<As>[];
const PUBLIC: Option<As> = {
  value: "public",
  label: "Everybody",
  hint: "Sees the transcript and the changes without signing in",
};

/** Links by which others come in; for owners. */
export function Links({ sessionId }: { sessionId: string }) {
  const links = useQuery(shareQueries.links(sessionId));
  const revoke = useRevokeShareLink(sessionId);
  return (
    <section>
      <h3 className="text-13 text-ink-3">By a link</h3>
      {links.error && <ErrorProblem error={links.error} className="mt-2" />}
      {links.data && links.data.items.length > 0 && (
        <ul aria-label="Share links" className="mt-1.5 divide-y rounded-md border">
          {links.data.items.map((link) => (
            <Row
              key={link.id}
              link={link}
              busy={revoke.isPending}
              revoke={() => revoke.mutate(link.id)}
            />
          ))}
        </ul>
      )}
      {revoke.error && <ErrorProblem error={revoke.error} className="mt-2" />}
      {links.data && <New sessionId={sessionId} publicAllowed={links.data.public_allowed} />}
    </section>
  );
}

function whatFor(link: ShareLink): string {
  if (link.public) return "Everybody who has it reads along";
  const { uses_left } = link;
  const who =
    uses_left === null
      ? "Whoever signs in"
      : uses_left === 1
        ? "One person"
        : `${uses_left} people`;
  return `${who} as ${aRole(link.role)}`;
}

function Row({ link, busy, revoke }: { link: ShareLink; busy: boolean; revoke: () => void }) {
  const words = whatFor(link);
  return (
    <li className="flex items-center gap-3 px-3 py-2">
      <Link2 size={15} className="shrink-0 text-ink-3" aria-hidden />
      <div className="min-w-0 flex-1">
        <p className="break-words">{words}</p>
        <p className="text-12 break-words text-ink-3">
          by {link.created_by} · expires <Until at={link.expires_at} />
        </p>
      </div>
      <IconButton label={`Take back: ${words}`} disabled={busy} onClick={revoke}>
        <X size={15} />
      </IconButton>
    </li>
  );
}

function New({ sessionId, publicAllowed }: { sessionId: string; publicAllowed: boolean }) {
  const make = useMakeShareLink(sessionId);
  const [open, setOpen] = useState(false);
  const [as, setAs] = useState<As>("viewer");
  const [uses, setUses] = useState("");
  const [days, setDays] = useState("");
  const label = useId();
  const everybody = as === "public";
  const link = make.data?.link;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate(
      {
        role: everybody ? "viewer" : as,
        public: everybody,
        uses: everybody ? null : countIn(uses),
        days: countIn(days),
      },
      { onSuccess: () => setOpen(false) },
    );
  };

  if (link) {
    return (
      <Shown
        label="The new link"
        title="Here is the link."
        secret={link}
        copy="Copy the link"
        done={make.reset}
      >
        It is shown only now.
      </Shown>
    );
  }
  if (!open) {
    return (
      <Button className="mt-2" onClick={() => setOpen(true)}>
        <Link2 size={15} className="text-ink-3" />
        Make a link
      </Button>
    );
  }
  return (
    <form onSubmit={submit} className="mt-2 rounded-md border px-3 pt-2 pb-3">
      <div className="grid gap-x-4 gap-y-3 sm:grid-cols-[auto_1fr_1fr]">
        <div className="flex flex-col items-start gap-1">
          <span id={label} className="text-13 text-ink-2">
            {everybody ? "For" : "As"}
          </span>
          <Pick
            label="Link for"
            value={as}
            options={publicAllowed ? [...AS, PUBLIC] : AS}
            onChange={setAs}
          />
        </div>
        {!everybody && (
          <Count
            label="For how many people"
            placeholder="any number"
            value={uses}
            onValue={setUses}
          />
        )}
        <Days value={days} onValue={setDays} />
      </div>
      <p className="mt-2 text-12 text-ink-3">
        {everybody
          ? "Whoever has the link reads what was said and done, pictures and changes; nobody can say who did."
          : "Whoever opens it has to be a person of this installation, and signed in."}
      </p>
      <div className="mt-3 flex gap-2">
        <Button type="submit" look="main" disabled={make.isPending}>
          Make the link
        </Button>
        <Button look="quiet" onClick={() => setOpen(false)}>
          Cancel
        </Button>
      </div>
      {make.error && <ErrorProblem error={make.error} className="mt-2" />}
    </form>
  );
}
