import createClient from "openapi-fetch";
import type { paths } from "./schema.gen";
import type { ProblemDetails } from "./types";

/** What the hub answered instead of what was asked for: words for people, and its status. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly remedy: string | null,
  ) {
    super(message);
  }
}

/** The hub did not answer at all. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";

  constructor(options?: ErrorOptions) {
    super("The hub does not answer.", options);
  }
}

/** The hub serves the page, so it is where the page came from. */
export const HUB = globalThis.location.origin;

export const api = createClient<paths>({
  baseUrl: HUB,
  fetch: async (request) => {
    try {
      return await globalThis.fetch(request);
    } catch (error) {
      if (request.signal.aborted) throw error;
      throw new Unreachable({ cause: error });
    }
  },
});

/** Read a problem-details body; whatever else came becomes the plainest sentence for its status. */
export function refusal(status: number, body: unknown): Refusal {
  const problem = (typeof body === "object" ? body : null) as Partial<ProblemDetails> | null;
  return new Refusal(
    status,
    problem?.code ?? "unknown",
    problem?.detail ?? problem?.title ?? `The hub answered with status ${status}.`,
    problem?.remedy ?? null,
  );
}

/**
 * Take the data of an answer, or throw a `Refusal`.
 *
 * Usage: `const session = await take(api.GET("/api/sessions/{session_id}", …))`.
 */
export async function take<T>(
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw refusal(response.status, error);
  return data as T;
}
