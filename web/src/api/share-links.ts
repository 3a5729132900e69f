/** Links by which others come into a session, and who shows one by a public link. */
import { queryOptions, useMutation } from "@tanstack/react-query";
import { api, take } from "./client";
import { queryClient } from "./queries";
import type { NewShareLink } from "./types";

export const shareQueries = {
  links: (session_id: string) =>
    queryOptions({
      queryKey: ["share links", session_id],
      queryFn: () =>
        take(api.GET("/api/sessions/{session_id}/links", { params: { path: { session_id } } })),
      // Others change them too, and no stream tells of it.
      staleTime: 0,
    }),
  /** The session that a public link shows; asked for by itself, since there is no list of it. */
  shown: (session_id: string) =>
    queryOptions({
      queryKey: ["shown", session_id],
      queryFn: async () => {
        const params = { path: { session_id } };
        const [session, shared] = await Promise.all([
          take(api.GET("/api/sessions/{session_id}", { params })),
          take(api.GET("/api/sessions/{session_id}/shared", { params })),
        ]);
        return { session, shared };
      },
      retry: false,
    }),
};

const askAgain = (session_id: string) =>
  queryClient.invalidateQueries({ queryKey: shareQueries.links(session_id).queryKey });

/** Make a share link; the answer alone has it. */
export function useMakeShareLink(session_id: string) {
  return useMutation({
    mutationFn: (body: NewShareLink) =>
      take(
        api.POST("/api/sessions/{session_id}/links", { params: { path: { session_id } }, body }),
      ),
    onSettled: () => askAgain(session_id),
  });
}

export function useRevokeShareLink(session_id: string) {
  return useMutation({
    mutationFn: (link_id: string) =>
      take(
        api.DELETE("/api/sessions/{session_id}/links/{link_id}", {
          params: { path: { session_id, link_id } },
        }),
      ),
    onSettled: () => askAgain(session_id),
  });
}
