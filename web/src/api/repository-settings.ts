/** What repositories are set up with: what admins say of them, and what a session got. */
import { queryOptions, useMutation } from "@tanstack/react-query";
import { api, Refusal, take } from "./client";
import { queryClient } from "./queries";
import type { RepositorySettingsIn } from "./types";

export const repositorySettingsQueries = {
  all: queryOptions({
    queryKey: ["repository-settings"],
    queryFn: async () => (await take(api.GET("/api/repository-settings"))).items,
    // Others change them too, and no stream tells of it.
    staleTime: 0,
  }),
  /** Null: the session has none, or not yet. `told`: what the log has of them, if anything. */
  ofSession: (session_id: string, told: string) =>
    queryOptions({
      queryKey: ["repository-settings", session_id, told],
      queryFn: async () => {
        const params = { path: { session_id } };
        try {
          return await take(api.GET("/api/sessions/{session_id}/repository-settings", { params }));
        } catch (error) {
          if (error instanceof Refusal && error.status === 404) return null;
          throw error;
        }
      },
      staleTime: 0,
    }),
};

const askAgain = () => queryClient.invalidateQueries(repositorySettingsQueries.all);

export function usePutRepositorySettings() {
  return useMutation({
    mutationFn: ({ repository, said }: { repository: string; said: RepositorySettingsIn }) =>
      take(api.PUT("/api/repository-settings", { params: { query: { repository } }, body: said })),
    onSettled: askAgain,
  });
}

export function useForgetRepositorySettings() {
  return useMutation({
    mutationFn: (repository: string) =>
      take(api.DELETE("/api/repository-settings", { params: { query: { repository } } })),
    onSettled: askAgain,
  });
}

/** Have the set-up commands of the session's repository run again. */
export function setUpAgain(session_id: string): Promise<unknown> {
  return take(api.POST("/api/sessions/{session_id}/setup", { params: { path: { session_id } } }));
}
