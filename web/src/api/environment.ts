/** What can be asked of a session's sandbox: its services, terminals and ports, and who drives. */
import { queryOptions } from "@tanstack/react-query";
import { api, HUB, take } from "./client";
import type { ServiceName } from "./types";

/** What the gateway serves: the editor, or a port of the sandbox by its number. */
export type AppName = "editor" | `${number}`;

const path = (id: string, rest: string) => `/api/sessions/${encodeURIComponent(id)}/${rest}`;

/** The address of a WebSocket of a session. */
export const socketUrl = (id: string, rest: string) =>
  `${HUB.replace(/^http/, "ws")}${path(id, rest)}`;

export const blobUrl = (id: string, blob: string) => path(id, `blobs/${encodeURIComponent(blob)}`);

/** Where the browser saves a session's log from. */
export const exportUrl = (id: string, format: "markdown" | "jsonl") =>
  path(id, `export?format=${format}`);

const of = (session_id: string) => ({ params: { path: { session_id } } });

export const environmentQueries = {
  services: (id: string) =>
    queryOptions({
      queryKey: ["services", id],
      queryFn: () => take(api.GET("/api/sessions/{session_id}/services", of(id))),
      retry: false,
      staleTime: 0,
    }),
  terminals: (id: string) =>
    queryOptions({
      queryKey: ["terminals", id],
      queryFn: async () =>
        (await take(api.GET("/api/sessions/{session_id}/terminals", of(id)))).terminals,
      retry: false,
      staleTime: 0,
    }),
};

export const environment = {
  /** Resolves once it is ready, which may take a while; its events tell how far it is. */
  startService: (session_id: string, name: ServiceName) =>
    take(
      api.POST("/api/sessions/{session_id}/services/{name}", {
        params: { path: { session_id, name } },
      }),
    ),
  stopService: (session_id: string, name: ServiceName) =>
    take(
      api.DELETE("/api/sessions/{session_id}/services/{name}", {
        params: { path: { session_id, name } },
      }),
    ),
  openTerminal: (id: string) => take(api.POST("/api/sessions/{session_id}/terminals", of(id))),
  closeTerminal: (session_id: string, terminal_id: string) =>
    take(
      api.DELETE("/api/sessions/{session_id}/terminals/{terminal_id}", {
        params: { path: { session_id, terminal_id } },
      }),
    ),
  view: (id: string, app: AppName, at = "/") =>
    take(api.POST("/api/sessions/{session_id}/views", { ...of(id), body: { app, path: at } })),
  drive: (id: string) => take(api.POST("/api/sessions/{session_id}/drive", of(id))),
  handBack: (id: string, note: string | null) =>
    take(api.POST("/api/sessions/{session_id}/hand-back", { ...of(id), body: { note } })),
  /** Drive no more, without a word to the agent. */
  letGo: (id: string) => take(api.DELETE("/api/sessions/{session_id}/drive", of(id))),
};
