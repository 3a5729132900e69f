/** The GitHub App of this installation: how it is, setting one up, and removing it. For admins. */
import { queryOptions, useMutation } from "@tanstack/react-query";
import { api, take } from "./client";
import { queries, queryClient } from "./queries";
import type { GitHubSetup } from "./types";

export const githubApp = queryOptions({
  queryKey: ["github-app"],
  queryFn: () => take(api.GET("/api/github-app")),
  // It is changed at GitHub's pages, and by others.
  staleTime: 0,
});

/** Begin to set one up; the answer says where this browser is to go. */
export function useSetUpGitHubApp() {
  return useMutation({
    mutationFn: (body: GitHubSetup) => take(api.POST("/api/github-app/setups", { body })),
  });
}

export function useRemoveGitHubApp() {
  return useMutation({
    mutationFn: () => take(api.DELETE("/api/github-app")),
    onSettled: () =>
      Promise.all(
        [githubApp, queries.waysIn].map(({ queryKey }) =>
          queryClient.invalidateQueries({ queryKey: queryKey as readonly unknown[] }),
        ),
      ),
  });
}
