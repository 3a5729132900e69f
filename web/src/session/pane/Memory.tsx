import { useQuery, useQueryClient } from "@tanstack/react-query";
import { environment, environmentQueries } from "@/api/environment";
import type { Services } from "@/api/types";
import { Button } from "@/ui/Button";
import { ErrorProblem } from "@/ui/Problem";
import { useSessionPage } from "../context";
import { useSandbox } from "./use-sandbox";

const LOOK_MS = 4000;
const NAMES = { editor: "VS Code", desktop: "Browser" } as const;

/** What each part of the sandbox holds of the memory, while one looks. */
export function Memory({ visible }: { visible: boolean }) {
  const { id } = useSessionPage();
  const { ready } = useSandbox();
  const { data, error } = useQuery({
    ...environmentQueries.services(id),
    enabled: visible && ready,
    refetchInterval: LOOK_MS,
  });
  if (!ready) return null;
  return (
    <section data-testid="memory">
      <h2 className="mb-1 text-ink-3">Memory</h2>
      {data ? <Parts services={data} /> : error && <ErrorProblem error={error} />}
    </section>
  );
}

function Parts({ services: { services, agent_memory, terminals_memory } }: { services: Services }) {
  const { id, drives, act } = useSessionPage();
  const client = useQueryClient();
  const total = services.reduce((sum, { memory }) => sum + memory, agent_memory + terminals_memory);
  return (
    <dl className="divide-y border-y">
      <Part name="Agent" bytes={agent_memory} />
      <Part name="Terminals" bytes={terminals_memory} />
      {services.map(({ name, state, memory }) => (
        <Part key={name} name={NAMES[name]} bytes={memory} note={state === "ready" ? null : state}>
          {drives && state === "ready" && (
            <Button
              look="quiet"
              className="-my-1.5 h-7 px-2 text-12"
              onClick={() => {
                void act(environment.stopService(id, name)).then(() =>
                  client.invalidateQueries(environmentQueries.services(id)),
                );
              }}
            >
              Stop
            </Button>
          )}
        </Part>
      ))}
      <Part name="Together" bytes={total} />
    </dl>
  );
}

function Part({
  name,
  bytes,
  note = null,
  children,
}: {
  name: string;
  bytes: number;
  note?: string | null;
  children?: React.ReactNode;
}) {
  return (
    <div className="flex items-center gap-4 py-1.5">
      <dt className="w-28 shrink-0 text-ink-3">{name}</dt>
      <dd className="tabular-nums">{note ?? size(bytes)}</dd>
      <dd className="ml-auto">{children}</dd>
    </div>
  );
}

/** "312 MiB", "1.4 GiB". */
function size(bytes: number): string {
  const mib = bytes / 1024 ** 2;
  return mib < 1000 ? `${Math.round(mib)} MiB` : `${(mib / 1024).toFixed(1)} GiB`;
}
