import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { peopleQueries, useInvite, useTakeBackInvite } from "@/api/people";
import type { Invite, Role } from "@/api/types";
import { Button } from "@/ui/Button";
import { Pick } from "@/ui/Pick";
import { ErrorProblem } from "@/ui/Problem";
import { Until } from "@/ui/time";
import { Count, countIn, Days, Field } from "./Field";
import { ROLES } from "./roles";
import { Shown } from "./Shown";

/** Links that let somebody in: those that are good, and a new one. */
export function Invites() {
  const invites = useQuery(peopleQueries.invites);
  const takeBack = useTakeBackInvite();
  return (
    <section className="mt-10">
      <h2 className="font-semibold">Invitations</h2>
      <p className="mt-1 text-ink-2">
        Whoever has the link of one comes in, until it is used up, out of date or taken back.
      </p>
      {invites.error && <ErrorProblem error={invites.error} className="mt-3" />}
      {invites.data && invites.data.length > 0 && (
        <ul aria-label="Invitations" className="mt-3 divide-y rounded-md border bg-raised">
          {invites.data.map((invite) => (
            <Row
              key={invite.id}
              invite={invite}
              busy={takeBack.isPending}
              takeBack={() => takeBack.mutate(invite.id)}
            />
          ))}
        </ul>
      )}
      {takeBack.error && <ErrorProblem error={takeBack.error} className="mt-3" />}
      <New />
    </section>
  );
}

const ROLE_WORDS: Record<Role, string> = { admin: "an admin", member: "a member" };

function Row({ invite, busy, takeBack }: { invite: Invite; busy: boolean; takeBack: () => void }) {
  const { role, email, uses_left, created_by, expires_at } = invite;
  const people = uses_left === 1 ? "One person" : `${uses_left} people`;
  const whom = email ?? people;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-40">
        <p className="break-words">
          <span className="font-semibold">{whom}</span> as {ROLE_WORDS[role]}
        </p>
        <p className="text-13 break-words text-ink-3">
          by {created_by} · expires <Until at={expires_at} />
        </p>
      </div>
      <Button
        aria-label={`Take back the invitation for ${whom}`}
        disabled={busy}
        onClick={takeBack}
      >
        Take back
      </Button>
    </li>
  );
}

function New() {
  const invite = useInvite();
  const [role, setRole] = useState<Role>("member");
  const [uses, setUses] = useState("1");
  const [days, setDays] = useState("");
  const [email, setEmail] = useState("");
  const roleLabel = useId();
  const link = invite.data?.link;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate(
      {
        role,
        uses: Number(uses),
        days: countIn(days),
        email: email.trim() || null,
      },
      { onSuccess: () => setEmail("") },
    );
  };

  return (
    <>
      <form onSubmit={submit} className="mt-3 rounded-md border bg-raised px-4 pt-3 pb-4">
        <h3 className="text-13 font-semibold">Invite somebody</h3>
        <div className="mt-2 grid gap-x-4 gap-y-3 sm:grid-cols-[auto_1fr_1fr]">
          <div className="flex flex-col items-start gap-1">
            <span id={roleLabel} className="text-13 text-ink-2">
              As
            </span>
            <Pick label="Invite as" value={role} options={ROLES} onChange={setRole} />
          </div>
          <Count label="For how many people" required value={uses} onValue={setUses} />
          <Days value={days} onValue={setDays} />
        </div>
        <div className="mt-3">
          <Field
            label="For this e-mail address alone"
            hint="Whoever comes has to sign in with a provider that vouches for it. May stay empty."
            type="email"
            autoComplete="off"
            value={email}
            onValue={setEmail}
          />
        </div>
        <Button type="submit" look="main" className="mt-4" disabled={invite.isPending}>
          Make a link
        </Button>
        {invite.error && <ErrorProblem error={invite.error} className="mt-3" />}
      </form>
      {link && (
        <Shown
          label="The new invitation"
          title="Here is the link."
          secret={link}
          copy="Copy the link"
          done={invite.reset}
        >
          Give it to whoever is to come; it is shown only now.
        </Shown>
      )}
    </>
  );
}
