// @vitest-environment jsdom
import { cleanup, screen } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, it } from "vitest";
import { Refusal } from "@/api/client";
import type { OfferedProvider } from "@/api/types";
import { API, drawAt, listen, server, stubLayout } from "../../dev/page-in-jsdom";
import { SignIn } from "./SignIn";

const WAYS = `${API}/sign-in`;

stubLayout();
listen();

function offering(...providers: OfferedProvider[]) {
  server.use(http.get(WAYS, () => HttpResponse.json({ providers })));
}

const open = (at: string, why: Refusal | null = null) => drawAt(at, () => <SignIn why={why} />);

it("leads to each provider and back to the page that was asked for, with the link below", async () => {
  offering(
    { key: "github", name: "GitHub", start: "/sign-in/github" },
    { key: "oidc", name: "Acme & Sons", start: "/sign-in/oidc" },
  );
  open("/sessions/s1?pane=changes&q=a%26b");
  await screen.findByRole("heading", { level: 1, name: "Sign in" });
  const links = screen.getAllByRole<HTMLAnchorElement>("link");
  expect(links.map((each) => each.textContent)).toEqual([
    "Continue with GitHub",
    "Continue with Acme & Sons",
  ]);
  const led = links.map((each) => new URL(each.href));
  expect(led.map((each) => each.pathname)).toEqual(["/sign-in/github", "/sign-in/oidc"]);
  const back = new URL(led[0]?.searchParams.get("next") ?? "", location.origin);
  expect(back.pathname).toBe("/sessions/s1");
  expect([...back.searchParams]).toEqual([
    ["pane", "changes"],
    ["q", "a&b"],
  ]);
  expect(screen.getByText("Or open the link from the terminal")).toBeTruthy();
  expect(screen.getByText("bunkhouse admin link")).toBeTruthy();
});

it("is about the link alone where there are no providers", async () => {
  offering();
  open("/");
  await screen.findByRole("heading", { level: 1, name: "Open the link from the terminal" });
  expect(screen.queryByRole("link")).toBeNull();
  expect(screen.getByText("bunkhouse admin link")).toBeTruthy();
});

it("is about the link, too, where the hub can not say what there is", async () => {
  server.use(http.get(WAYS, () => HttpResponse.json({ status: 503 }, { status: 503 })));
  open("/");
  await screen.findByRole("heading", { level: 1, name: "Open the link from the terminal" });
});

it("says why one was signed out where it was not one's own doing", async () => {
  offering();
  open("/", new Refusal(401, "sign_in_copied", "You were signed out: a copy.", "Sign in again."));
  expect((await screen.findByRole("alert")).textContent).toContain("You were signed out: a copy.");
  cleanup();
  open("/", new Refusal(401, "unauthorized", "You are not signed in.", null));
  await screen.findByRole("heading", { level: 1 });
  expect(screen.queryByRole("alert")).toBeNull();
});
