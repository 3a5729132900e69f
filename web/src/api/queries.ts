import { QueryClient, queryOptions, useMutation, useQuery } from "@tanstack/react-query";
import { api, Refusal, take } from "./client";
import { Once } from "./once";
import type { NewSession, OfferedProvider, PromptPatch, Session, When } from "./types";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      retry: (count, error) => !(error instanceof Refusal) && count < 2,
      refetchOnWindowFocus: false,
    },
  },
});

/** So many sessions the list has at most when a page begins. */
const LISTED = 100;

export const queries = {
  me: queryOptions({ queryKey: ["me"], queryFn: () => take(api.GET("/api/me")) }),
  /** With what one can sign in here; answered to everybody. */
  waysIn: queryOptions({
    queryKey: ["ways-in"],
    queryFn: () => take(api.GET("/api/sign-in")),
    retry: false,
  }),
  /** The accounts that one signs in with oneself. */
  accounts: queryOptions({
    queryKey: ["accounts"],
    queryFn: async () => (await take(api.GET("/api/me/identities"))).items,
  }),
  /** Kept up to date by `live.ts`; asked for only until that is connected. */
  system: queryOptions({
    queryKey: ["system"],
    queryFn: () => take(api.GET("/api/system")),
    staleTime: Number.POSITIVE_INFINITY,
  }),
  sessions: queryOptions({
    queryKey: ["sessions"],
    queryFn: async () => {
      const query = { limit: LISTED };
      const page = await take(api.GET("/api/sessions", { params: { query } }));
      return page.items;
    },
    staleTime: Number.POSITIVE_INFINITY,
  }),
  session: (session_id: string) =>
    queryOptions({
      queryKey: ["session", session_id],
      queryFn: () =>
        take(api.GET("/api/sessions/{session_id}", { params: { path: { session_id } } })),
    }),
  /** The children of a session, where the list may be too short to have them all. */
  children: (session_id: string) =>
    queryOptions({
      queryKey: ["children", session_id],
      queryFn: async () =>
        (
          await take(
            api.GET("/api/sessions/{session_id}/children", { params: { path: { session_id } } }),
          )
        ).items,
    }),
  models: queryOptions({ queryKey: ["models"], queryFn: () => take(api.GET("/api/models")) }),
  /** Recent and reachable ones; with `q` what fits it. Until that is there, what fitted before. */
  repositories: (q: string) =>
    queryOptions({
      queryKey: ["repositories", q],
      queryFn: ({ signal }) =>
        take(api.GET("/api/repositories", { params: { query: { q } }, signal })),
      placeholderData: (before) => before,
      retry: false,
      staleTime: 60_000,
    }),
  issues: (repository: string) =>
    queryOptions({
      queryKey: ["issues", repository],
      queryFn: async ({ signal }) =>
        (
          await take(
            api.GET("/api/repositories/issues", { params: { query: { repository } }, signal }),
          )
        ).items,
      retry: false,
    }),
  pullRequests: (repository: string) =>
    queryOptions({
      queryKey: ["pull-requests", repository],
      queryFn: async ({ signal }) =>
        (
          await take(
            api.GET("/api/repositories/pull-requests", {
              params: { query: { repository } },
              signal,
            }),
          )
        ).items,
      retry: false,
    }),
  branches: (repository: string) =>
    queryOptions({
      queryKey: ["branches", repository],
      queryFn: ({ signal }) =>
        take(api.GET("/api/branches", { params: { query: { repository } }, signal })),
      retry: false,
      staleTime: 60_000,
    }),
  /** What a new pull request of a session would say. */
  pullRequestDraft: (session_id: string) =>
    queryOptions({
      queryKey: ["pull-request-draft", session_id],
      queryFn: () =>
        take(
          api.GET("/api/sessions/{session_id}/pull-request/draft", {
            params: { path: { session_id } },
          }),
        ),
      staleTime: 0,
      gcTime: 0,
    }),
  /** `version` is the seq of the last `workspace_changed`, so that a change is asked for anew. */
  changes: (session_id: string, version: number) =>
    queryOptions({
      queryKey: ["changes", session_id, version],
      queryFn: () =>
        take(api.GET("/api/sessions/{session_id}/changes", { params: { path: { session_id } } })),
      placeholderData: (before) => before,
      staleTime: version > 0 ? Number.POSITIVE_INFINITY : 0,
    }),
};

const NEWEST_FIRST = (a: Session, b: Session) => b.updated_at.localeCompare(a.updated_at);

/** A session changed, or is new: put it where lists and headers look for it. */
export function rememberSession(session: Session): void {
  queryClient.setQueryData(queries.session(session.id).queryKey, session);
  queryClient.setQueryData(queries.sessions.queryKey, (before) =>
    before
      ? [...before.filter((other) => other.id !== session.id), session].sort(NEWEST_FIRST)
      : undefined,
  );
}

export function forgetSession(id: string): void {
  queryClient.setQueryData(queries.sessions.queryKey, (before) =>
    before?.filter((session) => session.id !== id),
  );
  queryClient.removeQueries({ queryKey: queries.session(id).queryKey });
}

/** One session as the list has it, or asked for by itself where it is too old for the list. */
export function useSession(id: string) {
  const { data: sessions } = useQuery(queries.sessions);
  const listed = sessions?.find((session) => session.id === id);
  const alone = useQuery({ ...queries.session(id), enabled: sessions !== undefined && !listed });
  return { session: listed ?? alone.data, error: listed ? null : alone.error };
}

/** The sessions that were started within one and that one may see, oldest first. */
export function useChildren(id: string): Session[] {
  const { data: sessions } = useQuery(queries.sessions);
  const asked = useQuery({
    ...queries.children(id),
    enabled: sessions !== undefined && sessions.length >= LISTED,
  });
  const found = new Map(asked.data?.map((session) => [session.id, session]));
  for (const session of sessions ?? []) {
    if (session.parent === id) found.set(session.id, session);
  }
  return [...found.values()].sort((a, b) => a.created_at.localeCompare(b.created_at));
}

// ── actions ──────────────────────────────────────────────────────────────────────────────────

const creating = new Once();

export function useCreateSession() {
  return useMutation({
    mutationFn: (body: NewSession) =>
      creating.send(body, (headers) => take(api.POST("/api/sessions", { body, headers }))),
    onSuccess: rememberSession,
  });
}

export function useDeleteSession() {
  return useMutation({
    mutationFn: (session_id: string) =>
      take(api.DELETE("/api/sessions/{session_id}", { params: { path: { session_id } } })),
    onSuccess: (_, id) => forgetSession(id),
  });
}

/** Begin to link a further account; gives where the browser is to go. */
export function useLinkAccount() {
  return useMutation({
    mutationFn: (body: { provider: OfferedProvider["key"]; next: string }) =>
      take(api.POST("/api/me/identities", { body })),
  });
}

export function useUnlinkAccount() {
  return useMutation({
    mutationFn: (identity_id: string) =>
      take(api.DELETE("/api/me/identities/{identity_id}", { params: { path: { identity_id } } })),
    // Also where it was refused: the list may be another by now.
    onSettled: () => queryClient.invalidateQueries({ queryKey: queries.accounts.queryKey }),
  });
}

/** What can be done in a session. The log tells what came of it; only refusals are told here. */
export function sessionActions(session_id: string) {
  const path = { session_id };
  const saying = new Once();
  const commenting = new Once();
  const forking = new Once();
  return {
    rename: async (title: string) =>
      rememberSession(
        await take(api.PATCH("/api/sessions/{session_id}", { params: { path }, body: { title } })),
      ),
    chooseModel: async (model: string) =>
      rememberSession(
        await take(api.PATCH("/api/sessions/{session_id}", { params: { path }, body: { model } })),
      ),
    prompt: (body: { text: string; attachments: string[]; when: When }) =>
      saying.send(body, (headers) =>
        take(api.POST("/api/sessions/{session_id}/prompts", { params: { path }, body, headers })),
      ),
    comment: (text: string) =>
      commenting.send(text, (headers) =>
        take(
          api.POST("/api/sessions/{session_id}/comments", {
            params: { path },
            body: { text },
            headers,
          }),
        ),
      ),
    changePrompt: (prompt_id: string, body: PromptPatch) =>
      take(
        api.PATCH("/api/sessions/{session_id}/prompts/{prompt_id}", {
          params: { path: { ...path, prompt_id } },
          body,
        }),
      ),
    sayAgain: (prompt_id: string) =>
      take(
        api.POST("/api/sessions/{session_id}/prompts/{prompt_id}/retry", {
          params: { path: { ...path, prompt_id } },
        }),
      ),
    withdraw: (prompt_id: string) =>
      take(
        api.DELETE("/api/sessions/{session_id}/prompts/{prompt_id}", {
          params: { path: { ...path, prompt_id } },
        }),
      ),
    hibernate: async () =>
      rememberSession(
        await take(api.POST("/api/sessions/{session_id}/hibernate", { params: { path } })),
      ),
    wake: async () =>
      rememberSession(
        await take(api.POST("/api/sessions/{session_id}/wake", { params: { path } })),
      ),
    end: async () =>
      rememberSession(await take(api.POST("/api/sessions/{session_id}/end", { params: { path } }))),
    hibernateAfter: async (hibernate_after: number | null) =>
      rememberSession(
        await take(
          api.PATCH("/api/sessions/{session_id}", {
            params: { path },
            body: { hibernate_after },
          }),
        ),
      ),
    /** To just before the prompt at this place of the log; null: forward again. */
    rewind: async (seq: number | null) =>
      rememberSession(
        await take(
          api.POST("/api/sessions/{session_id}/rewind", { params: { path }, body: { seq } }),
        ),
      ),
    /** A new session, as this one was just before the prompt at this place. */
    fork: async (seq: number | null) => {
      const body = { seq };
      const made = await forking.send(body, (headers) =>
        take(api.POST("/api/sessions/{session_id}/fork", { params: { path }, body, headers })),
      );
      rememberSession(made);
      return made;
    },
    /** Push the work, and open a pull request of it or bring the open one up to it. */
    publish: async (wanted: { title?: string; body?: string; draft?: boolean } = {}) =>
      rememberSession(
        await take(
          api.POST("/api/sessions/{session_id}/pull-request", {
            params: { path },
            body: { title: null, body: null, base: null, draft: false, ...wanted },
          }),
        ),
      ),
    /** Ask the forge how the pull request is. */
    askForge: async () =>
      rememberSession(
        await take(
          api.POST("/api/sessions/{session_id}/pull-request/refresh", { params: { path } }),
        ),
      ),
    stop: () => take(api.POST("/api/sessions/{session_id}/stop", { params: { path } })),
    retry: (change: { branch?: string; repository?: string }) =>
      take(
        api.POST("/api/sessions/{session_id}/retry", {
          params: { path },
          body: { branch: change.branch ?? null, repository: change.repository ?? null },
        }),
      ),
    permission: (request_id: string, reply: "once" | "always" | "reject", message?: string) =>
      take(
        api.POST("/api/sessions/{session_id}/permissions/{request_id}", {
          params: { path: { ...path, request_id } },
          body: { reply, message: message || null },
        }),
      ),
    question: (request_id: string, answers: string[][] | null) =>
      take(
        api.POST("/api/sessions/{session_id}/questions/{request_id}", {
          params: { path: { ...path, request_id } },
          body: { answers },
        }),
      ),
  };
}
export type SessionActions = ReturnType<typeof sessionActions>;
