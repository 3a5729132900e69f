/** By what one comes in besides accounts: browsers that are signed in, and tokens for programs. */
import { queryOptions, useMutation } from "@tanstack/react-query";
import { api, take } from "./client";
import { queryClient } from "./queries";
import type { NewToken } from "./types";

/** Changed elsewhere too, and no stream tells of it: asked for whenever shown. */
const staleTime = 0;

export const accessQueries = {
  browsers: queryOptions({
    queryKey: ["browsers"],
    queryFn: async () => (await take(api.GET("/api/me/browsers"))).items,
    staleTime,
  }),
  tokens: queryOptions({
    queryKey: ["tokens"],
    queryFn: () => take(api.GET("/api/tokens")),
    staleTime,
  }),
};

const askAgain = (options: { queryKey: readonly unknown[] }) =>
  queryClient.invalidateQueries({ queryKey: options.queryKey });

/** Make a token; the answer alone has its secret. */
export function useMakeToken() {
  return useMutation({
    mutationFn: (body: NewToken) => take(api.POST("/api/tokens", { body })),
    onSettled: () => askAgain(accessQueries.tokens),
  });
}

export function useRevokeToken() {
  return useMutation({
    mutationFn: (token_id: string) =>
      take(api.DELETE("/api/tokens/{token_id}", { params: { path: { token_id } } })),
    onSettled: () => askAgain(accessQueries.tokens),
  });
}

/** Sign one browser out; of one that had to be signed out, forget it. */
export function useEndBrowser() {
  return useMutation({
    mutationFn: (browser_id: string) =>
      take(api.DELETE("/api/me/browsers/{browser_id}", { params: { path: { browser_id } } })),
    onSettled: () => askAgain(accessQueries.browsers),
  });
}

export function useEndOtherBrowsers() {
  return useMutation({
    mutationFn: () => take(api.DELETE("/api/me/browsers")),
    onSettled: () => askAgain(accessQueries.browsers),
  });
}

/** Sign all browsers of somebody out. For admins. */
export function useEndBrowsersOf(person_id: string) {
  return useMutation({
    mutationFn: () =>
      take(api.DELETE("/api/people/{person_id}/browsers", { params: { path: { person_id } } })),
  });
}
