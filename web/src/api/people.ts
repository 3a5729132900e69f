/** Who is here, who may come, and who takes part in a session: what is asked and what can be done. */
import { queryOptions, useMutation } from "@tanstack/react-query";
import { api, take } from "./client";
import { queries, queryClient, rememberSession } from "./queries";
import type { NewInvite, PersonPatch, SessionRole, Visibility } from "./types";

/** Others change these lists too, and no stream tells of it: they are asked for whenever shown. */
const staleTime = 0;

export const peopleQueries = {
  people: queryOptions({
    queryKey: ["people"],
    queryFn: async () => (await take(api.GET("/api/people"))).items,
    staleTime,
  }),
  invites: queryOptions({
    queryKey: ["invites"],
    queryFn: async () => (await take(api.GET("/api/invites"))).items,
    staleTime,
  }),
  /** What one lets the hub do at forges. */
  grants: queryOptions({
    queryKey: ["grants"],
    queryFn: async () => (await take(api.GET("/api/me/grants"))).items,
    staleTime,
  }),
  participants: (session_id: string) =>
    queryOptions({
      queryKey: ["participants", session_id],
      queryFn: async () => {
        const path = { session_id };
        return (await take(api.GET("/api/sessions/{session_id}/people", { params: { path } })))
          .items;
      },
      staleTime,
    }),
};

const askAgain = (options: { queryKey: readonly unknown[] }) =>
  queryClient.invalidateQueries({ queryKey: options.queryKey });

/** Give somebody another role, or let them in again; without a change, deactivate them. */
export function useManagePerson() {
  return useMutation({
    mutationFn: async ({ id, change }: { id: string; change: PersonPatch | null }) => {
      const params = { path: { person_id: id } };
      if (change) await take(api.PATCH("/api/people/{person_id}", { params, body: change }));
      else await take(api.DELETE("/api/people/{person_id}", { params }));
    },
    // Also where it was refused; invitations go with the admin who made them, and one may be oneself.
    onSettled: () =>
      Promise.all([peopleQueries.people, peopleQueries.invites, queries.me].map(askAgain)),
  });
}

/** Make an invitation; the answer alone has its link. */
export function useInvite() {
  return useMutation({
    mutationFn: (body: NewInvite) => take(api.POST("/api/invites", { body })),
    onSettled: () => askAgain(peopleQueries.invites),
  });
}

export function useTakeBackInvite() {
  return useMutation({
    mutationFn: (invite_id: string) =>
      take(api.DELETE("/api/invites/{invite_id}", { params: { path: { invite_id } } })),
    onSettled: () => askAgain(peopleQueries.invites),
  });
}

export function useGiveToken() {
  return useMutation({
    mutationFn: (token: string) =>
      take(
        api.PUT("/api/me/grants/{forge}", {
          params: { path: { forge: "github" } },
          body: { token },
        }),
      ),
    onSettled: () => askAgain(peopleQueries.grants),
  });
}

export function useForgetGrant() {
  return useMutation({
    mutationFn: () =>
      take(api.DELETE("/api/me/grants/{forge}", { params: { path: { forge: "github" } } })),
    onSettled: () => askAgain(peopleQueries.grants),
  });
}

export function useSignOut() {
  return useMutation({ mutationFn: () => take(api.POST("/api/sign-out")) });
}

/** Let somebody take part in a session in a role; without one, no longer. */
export function useSetParticipant(session_id: string) {
  return useMutation({
    mutationFn: async ({ id, role }: { id: string; role: SessionRole | null }) => {
      const params = { path: { session_id, user_id: id } };
      const path = "/api/sessions/{session_id}/people/{user_id}";
      if (role) await take(api.PUT(path, { params, body: { role } }));
      else await take(api.DELETE(path, { params }));
    },
    onSettled: () => askAgain(peopleQueries.participants(session_id)),
  });
}

export function useSetVisibility(session_id: string) {
  return useMutation({
    mutationFn: (visibility: Visibility) =>
      take(
        api.PATCH("/api/sessions/{session_id}", {
          params: { path: { session_id } },
          body: { visibility },
        }),
      ),
    onSuccess: rememberSession,
  });
}
