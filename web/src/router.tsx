import {
  createRootRoute,
  createRoute,
  createRouter,
  Link,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { Home } from "./home/Home";
import { sessionSearch } from "./session/search";
import { Layout } from "./shell/Layout";
import { Button } from "./ui/Button";

const root = createRootRoute({ component: Layout, notFoundComponent: NotFound });

const home = createRoute({ getParentRoute: () => root, path: "/", component: Home });

const session = createRoute({
  getParentRoute: () => root,
  path: "/sessions/$sessionId",
  validateSearch: sessionSearch,
  component: lazyRouteComponent(() => import("./session/SessionRoute"), "SessionRoute"),
});

const shown = createRoute({
  getParentRoute: () => root,
  path: "/shared/$sessionId",
  component: lazyRouteComponent(() => import("./shown/ShownRoute"), "ShownRoute"),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: lazyRouteComponent(() => import("./settings/Settings"), "Settings"),
});

const settingsStart = createRoute({
  getParentRoute: () => settings,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/settings/accounts", replace: true });
  },
});

const accounts = createRoute({
  getParentRoute: () => settings,
  path: "/accounts",
  component: lazyRouteComponent(() => import("./settings/Accounts"), "Accounts"),
});

const access = createRoute({
  getParentRoute: () => settings,
  path: "/access",
  component: lazyRouteComponent(() => import("./settings/Access"), "Access"),
});

const people = createRoute({
  getParentRoute: () => settings,
  path: "/people",
  component: lazyRouteComponent(() => import("./settings/People"), "People"),
});

const github = createRoute({
  getParentRoute: () => settings,
  path: "/github",
  component: lazyRouteComponent(() => import("./settings/GitHubApp"), "GitHubApp"),
});

const repositories = createRoute({
  getParentRoute: () => settings,
  path: "/repositories",
  validateSearch: (search: Record<string, unknown>): { repository?: string } =>
    typeof search.repository === "string" ? { repository: search.repository } : {},
  component: lazyRouteComponent(() => import("./settings/RepositoriesRoute"), "RepositoriesRoute"),
});

function NotFound() {
  return (
    <main className="grid flex-1 place-items-center p-6">
      <div>
        <h1 className="text-18 font-semibold">There is no such page</h1>
        <p className="mt-2 text-ink-2">The address leads nowhere. It may have been mistyped.</p>
        <Link to="/" className="mt-4 inline-block text-accent-text underline underline-offset-4">
          Go home
        </Link>
      </div>
    </main>
  );
}

/** A part of the page broke. What it shows is in the log, and nothing of it is lost. */
function Broken({ error }: { error: unknown }) {
  return (
    <main className="grid flex-1 place-items-center p-6">
      <div className="max-w-md">
        <h1 className="text-18 font-semibold">This page broke</h1>
        <p className="mt-2 text-ink-2">
          The fault is in the page, not in your session: that goes on as it was. Reload to see it.
        </p>
        <pre className="mt-3 font-mono text-12 whitespace-pre-wrap text-ink-3">
          {error instanceof Error ? error.message : String(error)}
        </pre>
        <Button look="main" className="mt-4" onClick={() => location.reload()}>
          Reload
        </Button>
      </div>
    </main>
  );
}

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    session,
    shown,
    settings.addChildren([settingsStart, accounts, access, people, github, repositories]),
  ]),
  defaultPreload: "intent",
  defaultErrorComponent: ({ error }) => <Broken error={error} />,
  scrollRestoration: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
