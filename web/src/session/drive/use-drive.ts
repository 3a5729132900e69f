import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { environment } from "@/api/environment";
import { queries } from "@/api/queries";
import { useSessionPage } from "../context";

const CAN_DRIVE = ["idle", "working", "waiting"];

/** Who drives, and what this reader can do about it. */
export function useDrive() {
  const { id, drives, transcript, state, act } = useSessionPage();
  const { data: me } = useQuery(queries.me);
  const [busy, setBusy] = useState(false);
  const { drive } = transcript;
  const run = async (deed: Promise<unknown>) => {
    setBusy(true);
    const done = await act(deed);
    setBusy(false);
    return done;
  };
  return {
    drive,
    mine: drive !== null && drive.by === me?.name,
    /** Whether one may do something about it at all. */
    may: drives,
    can: drives && drive === null && CAN_DRIVE.includes(state),
    busy,
    request: () => run(environment.drive(id)),
    handBack: (note: string | null) => run(environment.handBack(id, note)),
    letGo: () => run(environment.letGo(id)),
  };
}
