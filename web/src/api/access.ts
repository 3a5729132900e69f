/** By what one comes in besides accounts: tokens for programs. */
import { queryOptions, useMutation } from "@tanstack/react-query";
import { api, take } from "./client";
import { queryClient } from "./queries";
import type { NewToken } from "./types";

/** Changed elsewhere too, and no stream tells of it: asked for whenever shown. */
const staleTime = 0;

export const accessQueries = {
  tokens: queryOptions({
    queryKey: ["tokens"],
    queryFn: async () => (await take(api.GET("/api/tokens"))).items,
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
