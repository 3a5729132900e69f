import { useQuery } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { useState } from "react";
import { peopleQueries, useSetParticipant } from "@/api/people";
import type { Participant, SessionRole } from "@/api/types";
import { Button } from "@/ui/Button";
import { Combo } from "@/ui/Combo";
import { Pick } from "@/ui/Pick";
import { ErrorProblem } from "@/ui/Problem";
import { ROLES } from "./words";

/** Lets somebody of this installation take part. */
export function Add({ sessionId, there }: { sessionId: string; there: readonly Participant[] }) {
  const { data: people, error } = useQuery(peopleQueries.people);
  const set = useSetParticipant(sessionId);
  const [chosen, setChosen] = useState<string | null>(null);
  const [role, setRole] = useState<SessionRole>("driver");
  if (error) return <ErrorProblem error={error} className="mt-2" />;
  if (!people) return null;
  const active = people.filter((person) => person.deactivated_at === null);
  const others = active.filter((person) => !there.some(({ id }) => id === person.id));
  if (others.length === 0) {
    return (
      <p className="mt-2 text-13 text-ink-3">
        {active.length === 1
          ? "There is nobody else here. An admin can invite somebody."
          : "Everybody who is here takes part."}
      </p>
    );
  }
  const person = others.find(({ id }) => id === chosen);
  return (
    <>
      <div className="mt-2 flex flex-wrap gap-2">
        <Combo
          modal
          trigger={
            <Button className="min-w-0 shrink justify-start max-sm:basis-full sm:flex-1">
              <UserPlus size={15} className="shrink-0 text-ink-3" />
              <span className="truncate">{person ? person.name : "Add somebody"}</span>
            </Button>
          }
          placeholder="Find somebody by name"
          empty="Nobody is called so."
          value={person?.id ?? null}
          choices={others.map(({ id, name }) => ({ value: id, label: name, words: [name] }))}
          onChoose={setChosen}
        />
        <Pick label="Add as" value={role} options={ROLES} onChange={setRole} />
        <Button
          look={person ? "main" : "plain"}
          disabled={!person || set.isPending}
          onClick={() => {
            if (person) set.mutate({ id: person.id, role }, { onSuccess: () => setChosen(null) });
          }}
        >
          Add
        </Button>
      </div>
      {set.error && <ErrorProblem error={set.error} className="mt-2" />}
    </>
  );
}
