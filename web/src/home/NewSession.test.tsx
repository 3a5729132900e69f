// @vitest-environment jsdom
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { afterEach, expect, it } from "vitest";
import type { Forge, Repository } from "@/api/types";
import { API, drawAt, listen, refused, server, stubLayout } from "../../dev/page-in-jsdom";
import { NewSession } from "./NewSession";

let created: unknown[] = [];

stubLayout();
listen();
afterEach(() => {
  created = [];
});

function repository(name: string, more: Partial<Repository> = {}): Repository {
  return {
    name,
    url: `https://github.com/${name}`,
    private: false,
    default_branch: "main",
    description: null,
    pushed_at: null,
    may_push: true,
    recent: false,
    ...more,
  };
}

const GITHUB: Forge = {
  kind: "github",
  host: "github.com",
  url: "https://github.com",
  grant: "given",
  problem: null,
  remedy: null,
};

const barn = repository("acme/barn", { private: true, recent: true });

/** A hub that knows repositories, finds further ones, and refuses every session. */
function hub({ forge = GITHUB, items = [barn, repository("ada/roof")] } = {}) {
  const topic = (number: number, title: string, branch: string | null) => ({
    number,
    title,
    author: "eve",
    url: "https://github.com/x",
    branch,
  });
  server.use(
    http.get(`${API}/system`, () => HttpResponse.json({ sample_repository: null })),
    http.get(`${API}/models`, () =>
      HttpResponse.json({ default: "demo/demo", items: [], providers: [] }),
    ),
    http.get(`${API}/branches`, () =>
      HttpResponse.json({ default: "main", items: ["main", "paint"] }),
    ),
    http.get(`${API}/repositories`, ({ request }) => {
      const q = new URL(request.url).searchParams.get("q") ?? "";
      // A forge looks where the page does not: what it finds need not be called so.
      const found = q === "drip" ? [repository("eve/gutter")] : [];
      return HttpResponse.json({ items: q ? found : items, forges: [forge] });
    }),
    http.get(`${API}/repositories/issues`, () =>
      HttpResponse.json({ items: [topic(7, "It drips", null)], next: null }),
    ),
    http.get(`${API}/repositories/pull-requests`, () =>
      HttpResponse.json({ items: [topic(8, "Paint it", "paint")], next: null }),
    ),
    http.post(`${API}/sessions`, async ({ request }) => {
      created.push(await request.json());
      return refused(409, "full", "All taken.", null);
    }),
  );
}

const open = () => drawAt("/", () => <NewSession sessions={[]} />);

const press = async (testId: string) => fireEvent.click(await screen.findByTestId(testId));
const type = async (placeholder: RegExp, text: string) =>
  fireEvent.change(await screen.findByPlaceholderText(placeholder), { target: { value: text } });
const options = () => screen.getAllByRole("option").map((option) => option.textContent);

async function choose(name: string) {
  fireEvent.click(
    await waitFor(() => {
      const found = screen
        .getAllByRole("option")
        .find((option) => option.textContent?.includes(name));
      if (!found) throw new Error(`there is no ${name}`);
      return found;
    }),
  );
}

it("lists recent and reachable repositories, and finds others as one types", async () => {
  hub();
  open();
  await press("home-repo");
  await waitFor(() => expect(options()[0]).toContain("acme/barn"));
  expect(options()[0]).toContain("private");
  expect(options()[1]).toContain("ada/roof");
  expect(options()[1]).not.toContain("private");
  expect(screen.queryByRole("status")).toBeNull();

  await type(/^Search/, "drip");
  await waitFor(() => expect(options()).toEqual([expect.stringContaining("eve/gutter")]));
  await choose("eve/gutter");
  expect(screen.getByTestId("home-repo").dataset.value).toBe("https://github.com/eve/gutter");

  await press("home-repo");
  await type(/^Search/, "someone/else");
  await choose("Use https://github.com/someone/else");
  expect(screen.getByTestId("home-repo").dataset.value).toBe("https://github.com/someone/else");
});

it.each([
  ["missing", /let Bunkhouse act for you/],
  ["revoked", /does not take your sign-in any more/],
] as const)("says what to do where a grant is %s", async (grant, words) => {
  hub({ forge: { ...GITHUB, grant, problem: "No." }, items: [barn] });
  open();
  await press("home-repo");
  expect((await screen.findByRole("status")).textContent).toMatch(words);
  expect(screen.getByRole("link", { name: "Accounts" }).getAttribute("href")).toBe(
    "/settings/accounts",
  );
  await choose("acme/barn");
  expect(await screen.findByTestId("home-branch")).toBeTruthy();
  expect(screen.queryByTestId("home-topic")).toBeNull();
});

it("says why a forge has nothing to say, and lists what there is", async () => {
  hub({ forge: { ...GITHUB, problem: "GitHub takes no more calls.", remedy: "Wait." } });
  open();
  await press("home-repo");
  expect((await screen.findByRole("status")).textContent).toBe("GitHub takes no more calls. Wait.");
  expect(options()[0]).toContain("acme/barn");
});

it("starts from an issue without a word, and not from it once that is taken back", async () => {
  hub();
  open();
  const prompt = await screen.findByTestId("home-prompt");
  fireEvent.change(prompt, { target: { value: "" } });
  await press("home-repo");
  await choose("acme/barn");
  await press("home-topic");
  await choose("It drips");
  expect(screen.getByTestId("home-topic").textContent).toContain("#7 It drips");
  await press("home-start");
  await waitFor(() => expect(created).toHaveLength(1));
  expect(created[0]).toMatchObject({
    model: null,
    prompt: "",
    repository: "https://github.com/acme/barn",
    branch: null,
    from_issue: 7,
    from_pull_request: null,
  });

  fireEvent.click(screen.getByRole("button", { name: "Don’t start from issue #7" }));
  fireEvent.change(prompt, { target: { value: "go" } });
  await press("home-start");
  await waitFor(() => expect(created).toHaveLength(2));
  expect(created[1]).toMatchObject({ prompt: "go", from_issue: null, from_pull_request: null });
});

it("starts from a pull request on its branch, or on another that is chosen", async () => {
  hub();
  open();
  await press("home-repo");
  await choose("acme/barn");
  await press("home-topic");
  await choose("Paint it");
  await waitFor(() => expect(screen.getByTestId("home-branch").dataset.value).toBe("paint"));
  await press("home-start");
  await waitFor(() => expect(created).toHaveLength(1));
  expect(created[0]).toMatchObject({ branch: null, from_issue: null, from_pull_request: 8 });

  await press("home-branch");
  await choose("main");
  await press("home-start");
  await waitFor(() => expect(created).toHaveLength(2));
  expect(created[1]).toMatchObject({ branch: "main", from_pull_request: 8 });

  // What is of one repository is not of another.
  await press("home-repo");
  await choose("ada/roof");
  await waitFor(() => expect(screen.getByTestId("home-topic").dataset.value).toBe(""));
});

it("takes any issue or pull request by its number", async () => {
  hub();
  open();
  await press("home-repo");
  await choose("acme/barn");
  await press("home-topic");
  await screen.findByText("It drips");
  await type(/^Title/, "#7");
  await waitFor(() => expect(options()).toEqual([expect.stringContaining("It drips")]));
  await type(/^Title/, "99");
  await choose("Use pull request #99");
  expect(screen.getByTestId("home-topic").dataset.value).toBe("pull_request:99");
  await press("home-start");
  await waitFor(() => expect(created).toHaveLength(1));
  expect(created[0]).toMatchObject({ branch: null, from_pull_request: 99 });
});
