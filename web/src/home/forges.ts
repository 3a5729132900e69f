import type { Forge } from "@/api/types";

/** As people call it; one of their own by its host. */
export function forgeName(forge: Forge): string {
  return forge.host === "github.com" ? "GitHub" : `GitHub at ${forge.host}`;
}

/** The forge that a repository is of, where one may read issues there. */
export function readableForge(
  repository: string | null,
  forges: readonly Forge[],
): Forge | undefined {
  return forges.find(
    (forge) => forge.grant === "given" && repository?.startsWith(`${forge.url}/`) === true,
  );
}
