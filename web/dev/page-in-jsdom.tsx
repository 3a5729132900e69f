/** For tests of what is drawn: a hub that each of them makes up, and the page before it in jsdom. */
import { QueryClientProvider } from "@tanstack/react-query";
import {
  type AnyRouter,
  createMemoryHistory,
  createRootRoute,
  createRouter,
  RouterProvider,
} from "@tanstack/react-router";
import { cleanup, configure, render } from "@testing-library/react";
import { HttpResponse } from "msw";
import { setupServer } from "msw/node";
import type { ReactNode } from "react";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { HUB } from "../src/api/client";
import { queryClient } from "../src/api/queries";

export const API = `${HUB}/api`;

/** The hub: a test says what it answers. */
export const server = setupServer();

/** Listen for the tests of a file, and leave nothing of one of them to the next. */
export function listen(onUnhandledRequest: "error" | "bypass" = "error"): void {
  beforeAll(() => server.listen({ onUnhandledRequest }));
  afterEach(() => {
    cleanup();
    queryClient.clear();
    server.resetHandlers();
    server.events.removeAllListeners();
  });
  afterAll(() => server.close());
}

/** Answer with a problem. */
export function refused(status: number, code: string, detail: string, remedy: string | null) {
  return HttpResponse.json({ status, title: "No", code, detail, remedy }, { status });
}

/** Have what jsdom lacks, and routers and lists ask for, in the tests of a file. */
export function stubLayout(): void {
  beforeAll(() => {
    vi.stubGlobal("scrollTo", () => {});
    vi.stubGlobal(
      "ResizeObserver",
      class {
        observe() {}
        unobserve() {}
        disconnect() {}
      },
    );
    Element.prototype.scrollIntoView = () => {};
  });
}

/** The same for a whole page, in a wide window. Import what is drawn only afterwards: it asks. */
export function stubWindow(): void {
  stubLayout();
  beforeAll(() => {
    vi.stubGlobal("matchMedia", (query: string) => ({
      matches: query.includes("min-width"),
      addEventListener() {},
      removeEventListener() {},
    }));
  });
}

/** Menus, and whole pages, take their time to be drawn without a browser. */
export const SLOW_MS = 30_000;

export function bePatient(): void {
  vi.setConfig({ testTimeout: SLOW_MS });
  configure({ asyncUtilTimeout: 5_000 });
}

export function draw(children: ReactNode): void {
  render(<QueryClientProvider client={queryClient}>{children}</QueryClientProvider>);
}

export function drawRouter(router: AnyRouter): void {
  draw(<RouterProvider router={router} />);
}

/** Draw this alone, at an address; gives the router, which knows where the page is. */
export function drawAt(address: string, component: () => ReactNode): AnyRouter {
  const router: AnyRouter = createRouter({
    routeTree: createRootRoute({ component, notFoundComponent: () => null }),
    history: createMemoryHistory({ initialEntries: [address] }),
  });
  drawRouter(router);
  return router;
}
