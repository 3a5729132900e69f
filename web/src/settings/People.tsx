import { useQuery } from "@tanstack/react-query";
import { Ellipsis, LogOut, UserX } from "lucide-react";
import { useState } from "react";
import { useEndBrowsersOf } from "@/api/access";
import { peopleQueries, useManagePerson } from "@/api/people";
import { queries } from "@/api/queries";
import type { Person } from "@/api/types";
import { Button, IconButton } from "@/ui/Button";
import { Confirm } from "@/ui/Confirm";
import { PersonMark } from "@/ui/Initials";
import { Menu, MenuItem } from "@/ui/Menu";
import { Pick } from "@/ui/Pick";
import { ErrorProblem } from "@/ui/Problem";
import { Ago } from "@/ui/time";
import { Invites } from "./Invites";
import { ROLES } from "./roles";

/** Everybody who is here, and who may come. For admins. */
export function People() {
  const { data: me } = useQuery(queries.me);
  if (!me) return null;
  if (me.role !== "admin") {
    return (
      <>
        <h1 className="text-24 font-semibold">People</h1>
        <p className="mt-2 text-ink-2">
          Admins look after people here, and you are a member. Ask one of them to invite somebody or
          to change a role.
        </p>
      </>
    );
  }
  return <Everybody own={me.id} />;
}

function Everybody({ own }: { own: string }) {
  const people = useQuery(peopleQueries.people);
  const all = people.data ?? [];
  const active = all.filter((person) => person.deactivated_at === null);
  const others = all.filter((person) => person.deactivated_at !== null);
  return (
    <>
      <h1 className="text-24 font-semibold">People</h1>
      <p className="mt-2 text-ink-2">
        Who may sign in here. Members start sessions of their own; admins look after people, and see
        every session.
      </p>
      {people.error && <ErrorProblem error={people.error} className="mt-4" />}
      {active.length > 0 && (
        <ul aria-label="People" className="mt-6 divide-y rounded-md border bg-raised">
          {active.map((person) => (
            <Row key={person.id} person={person} own={person.id === own} />
          ))}
        </ul>
      )}
      <Invites />
      {others.length > 0 && (
        <section className="mt-10">
          <h2 className="font-semibold">Deactivated</h2>
          <p className="mt-1 text-ink-2">They may not sign in. What they did stays.</p>
          <ul aria-label="Deactivated" className="mt-3 divide-y rounded-md border bg-raised">
            {others.map((person) => (
              <Row key={person.id} person={person} own={false} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Row({ person, own }: { person: Person; own: boolean }) {
  const manage = useManagePerson();
  const endBrowsers = useEndBrowsersOf(person.id);
  const [asking, setAsking] = useState(false);
  const [ending, setEnding] = useState(false);
  const { id, name, role, created_at, deactivated_at } = person;
  return (
    <li className="px-4 py-3">
      <div className="flex items-center gap-3">
        <PersonMark name={name} quiet={deactivated_at !== null} />
        <div className="min-w-0 flex-1">
          <p className="break-words">
            <span className="font-semibold">{name}</span>
            {own && <span className="text-ink-3"> · you</span>}
          </p>
          <p className="text-13 text-ink-3">
            {deactivated_at ? (
              <>
                deactivated <Ago at={deactivated_at} />
              </>
            ) : (
              created_at && (
                <>
                  came <Ago at={created_at} />
                </>
              )
            )}
          </p>
        </div>
        {deactivated_at ? (
          <Button
            aria-label={`Let ${name} in again`}
            disabled={manage.isPending}
            onClick={() => manage.mutate({ id, change: { active: true } })}
          >
            Let in again
          </Button>
        ) : (
          <div className="flex gap-1">
            {role && (
              <Pick
                label={`Role of ${name}`}
                value={role}
                options={ROLES}
                disabled={manage.isPending}
                onChange={(next) => manage.mutate({ id, change: { role: next } })}
              />
            )}
            <Menu
              align="end"
              trigger={
                <IconButton label={`More about ${name}`} disabled={manage.isPending}>
                  <Ellipsis size={16} />
                </IconButton>
              }
            >
              {!own && (
                <MenuItem onSelect={() => setEnding(true)}>
                  <LogOut size={15} />
                  Sign out everywhere
                </MenuItem>
              )}
              <MenuItem danger onSelect={() => setAsking(true)}>
                <UserX size={15} />
                Deactivate
              </MenuItem>
            </Menu>
          </div>
        )}
      </div>
      {manage.error && <ErrorProblem error={manage.error} className="mt-3" />}
      <Confirm
        open={ending}
        onClose={() => {
          setEnding(false);
          endBrowsers.reset();
        }}
        title={`Sign ${name} out everywhere?`}
        verb="Sign out everywhere"
        busy={endBrowsers.isPending}
        error={endBrowsers.error}
        onConfirm={() => endBrowsers.mutate(undefined, { onSuccess: () => setEnding(false) })}
      >
        All their browsers are signed out at once, and they may sign in again. Their tokens stay.
      </Confirm>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={own ? "Deactivate yourself?" : `Deactivate ${name}?`}
        verb="Deactivate"
        busy={manage.isPending}
        onConfirm={() => {
          setAsking(false);
          manage.mutate({ id, change: null });
        }}
      >
        {own
          ? "You are signed out everywhere at once. Another admin has to let you in again."
          : "They are signed out everywhere at once, and their tokens and invitations are revoked. " +
            "Their sessions and what they did stay, and you can let them in again."}
      </Confirm>
    </li>
  );
}
