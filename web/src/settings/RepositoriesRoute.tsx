import { getRouteApi } from "@tanstack/react-router";
import { Repositories } from "./Repositories";

const route = getRouteApi("/settings/repositories");

/** The settings of repositories at their address, which may name one. */
export function RepositoriesRoute() {
  const { repository } = route.useSearch();
  return <Repositories asked={repository ?? null} />;
}
