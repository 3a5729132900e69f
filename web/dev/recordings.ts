/** Sessions as a hub would have recorded them, to work on the page with. */
import type { Session } from "../src/api/types";
import { DIFF, FAILED_RUN, FILE, FILES, GOOD_RUN, TEST_DIFF } from "./material.ts";
import { setUp } from "./repository-settings.ts";
import { begin, call, id, ready, type Step, say, stage, state, think } from "./steps.ts";

const plan = (at: number): Step => [
  20,
  {
    type: "plan",
    entries: [
      "Find where amounts are read",
      "Read both ways of writing them",
      "Test what is refused",
      "Run the whole suite",
    ].map((content, index) => ({
      content,
      priority: "medium",
      status: index < at ? "completed" : index === at ? "in_progress" : "pending",
    })),
  },
];

const PROMPT =
  "Amounts written the German way (1.234,50) come out wrong. Read both ways, refuse what is no amount with an error that says so, and test it.";

const work: Step[] = [
  state("idle", "working"),
  [5, { type: "turn_started", turn_id: "p1" }],
  ...think(
    "The user wants both number formats. I should look at how amounts are parsed first, then decide by whichever separator stands last.",
  ),
  ...say("I'll look at how amounts are read today.\n"),
  plan(0),
  ...call({
    tool: "grep",
    kind: "search",
    title: "parse_amount",
    output:
      "src/ledger/parse.py:17:def parse_amount\nsrc/ledger/parse.py:31:    return Entry(date, payee, parse_amount(amount))",
  }),
  ...call({ tool: "read", kind: "read", title: "src/ledger/parse.py", output: FILE }),
  ...call({ tool: "read", kind: "read", title: "src/ledger/__init__.py", output: "1: " }),
  ...call({ tool: "read", kind: "read", title: "tests/test_parse.py", output: FILE }),
  ...call({ tool: "glob", kind: "search", title: "tests/**/*.py", output: "tests/test_parse.py" }),
  ...say(`The culprit is one line in \`parse_amount\`: it drops every comma, so \`1.234,50\` becomes \`1.23450\`.

## What I'll do

1. Whichever of comma and dot **stands last** parts the cents from the rest.
2. What can't be read raises an \`AmountError\`, with the text that it was given.

\`\`\`python
comma, dot = text.rfind(","), text.rfind(".")
if comma > dot:  # 1.234,50
    text = text.replace(".", "").replace(",", ".")
\`\`\`

| Written | Read today | Read then |
| --- | --- | --- |
| \`1,234.50\` | 1234.50 | 1234.50 |
| \`1.234,50\` | 1.23450 | 1234.50 |
`),
  plan(1),
  ...call({ tool: "edit", kind: "edit", title: "src/ledger/parse.py", diff: DIFF, ms: 35 }),
  ...call({ tool: "write", kind: "edit", title: "tests/test_amounts.py", diff: TEST_DIFF, ms: 22 }),
  plan(2),
  ...call({
    tool: "bash",
    kind: "execute",
    title: "uv run pytest -q",
    input: { command: "uv run pytest -q" },
    output: FAILED_RUN,
    ms: 2140,
    fails: 1,
  }),
  [
    20,
    {
      type: "egress_refused",
      host: "telemetry.example.net",
      port: 443,
      reason: "It is not on the list of allowed domains.",
      count: 3,
    },
  ],
  ...say("The new test forgot an import. Mending that.\n"),
  ...call({
    tool: "edit",
    kind: "edit",
    title: "tests/test_amounts.py",
    diff: `--- a/tests/test_amounts.py\n+++ b/tests/test_amounts.py\n@@ -1,3 +1,5 @@\n+from decimal import Decimal\n+\n import pytest\n \n from ledger.parse import AmountError, parse_amount\n`,
  }),
  plan(3),
  ...call({
    tool: "bash",
    kind: "execute",
    title: "uv run pytest -q",
    input: { command: "uv run pytest -q" },
    output: GOOD_RUN,
    ms: 1870,
  }),
];

const finish: Step[] = [
  ...call({
    tool: "bash",
    kind: "execute",
    title: "npm run dev &",
    input: { command: "npm run dev &" },
    output: "  VITE v8.3.8  ready in 312 ms",
    ms: 300,
  }),
  [
    20,
    {
      type: "ports_changed",
      ports: [
        { port: 5173, process: "node" },
        { port: 8000, process: "python3" },
      ],
    },
  ],
  ...call({
    tool: "browser_take_screenshot",
    kind: "other",
    title: "localhost:5173",
    output: "Took a screenshot",
    pictures: [{ blob: "a1", mime: "image/png", size: 1200, width: 1280, height: 800 }],
  }),
  ...say(
    "Both ways of writing amounts are read now, and what is no amount is refused in words. All **14 tests** pass; nothing else was changed.\n",
  ),
  plan(4),
  [10, { type: "workspace_changed", additions: 26, deletions: 2, files: FILES }],
  [
    5,
    {
      type: "turn_ended",
      turn_id: "p1",
      outcome: "done",
      ms: 41_800,
      input_tokens: 18_240,
      output_tokens: 1_312,
      cost: 0.04,
    },
  ],
  state("working", "idle"),
];

export interface Recording {
  session: Session;
  /** What has happened when the page is opened. */
  past: Step[];
  /** What happens while one looks. */
  live: Step[];
}

let minutes = 0;
function session(
  sessionId: string,
  title: string,
  state: Session["state"],
  more: Partial<Session> = {},
): Session {
  minutes += 7;
  const at = new Date(Date.now() - minutes * 60_000).toISOString();
  return {
    id: sessionId,
    title,
    state,
    state_reason: null,
    repository: "https://example.org/ada/ledger.git",
    branch: "main",
    model: "demo/demo",
    author: "Ada",
    created_at: at,
    updated_at: at,
    last_seq: 0,
    activity: null,
    pull_request: null,
    parent: null,
    additions: 0,
    deletions: 0,
    changed_files: 0,
    queue: [],
    driver: null,
    ports: [],
    rewind: null,
    forked_from: null,
    work_branch: null,
    visibility: "private",
    role: "owner",
    state_at: at,
    hibernate_after: null,
    kept: null,
    ...more,
  };
}

function recording(of: Session, past: Step[], live: Step[] = []): Recording {
  return { session: of, past, live };
}

export function busy(): Recording[] {
  minutes = 0;
  const waiting = session("s-permission", "Release 2.4 and tag it", "waiting", {
    activity: "Asks: git push origin v2.4.0",
  });
  const question = session("s-question", "Choose a date library", "waiting", {
    activity: "Asks: Which library shall I use?",
  });
  const working = session("s-working", "Read amounts written the German way", "working", {
    activity: "Running uv run pytest -q",
  });
  const starting = session("s-starting", "Speed up the import of large ledgers", "starting", {
    activity: "Cloning: 6,810 of 9,000 objects",
  });
  const queued = session("s-queued", "Write a man page", "queued", {
    state_reason: "The sandbox image is being built.",
  });
  const done = session("s-done", "Read amounts written both ways", "idle", {
    additions: 26,
    deletions: 2,
    changed_files: 3,
    activity:
      "Both ways of writing amounts are read now, and what is no amount is refused in words.",
  });
  const failed = session("s-failed", "Update the dependencies", "failed", {
    branch: "mian",
    state_reason: "The clone failed: no branch mian.",
  });
  const errors = session("s-errors", "Explain the release script", "idle", {
    activity: "The model refused the key.",
  });
  const setup = session("s-setup", "Bring the storefront up to date", "idle", {
    activity: "The repository's set-up command failed.",
  });
  const long = session("s-long", "A long one: ten thousand events", "idle", {
    additions: 9120,
    deletions: 411,
    changed_files: 214,
    activity: "Done with part 160.",
  });
  const asleep = session("s-asleep", "Old experiment with a parser", "hibernated", {
    repository: "/home/ada/experiments/parser",
    updated_at: new Date(Date.now() - 3 * 86_400_000).toISOString(),
  });

  const pushId = id("call_");
  const longSteps: Step[] = [
    ...begin(long, "Go through every module, one by one."),
    ...ready,
    state("idle", "working"),
    [5, { type: "turn_started", turn_id: "p1" }],
  ];
  for (let part = 1; longSteps.length < 9_990; part++) {
    longSteps.push(
      ...say(`Part ${part}: I read what module ${part} does, then I change it. `.repeat(3)),
      ...call({ tool: "read", kind: "read", title: `src/module_${part}.py`, output: FILE }),
      ...call({ tool: "edit", kind: "edit", title: `src/module_${part}.py`, diff: DIFF }),
      ...call({
        tool: "bash",
        kind: "execute",
        title: `pytest tests/test_module_${part}.py`,
        output: GOOD_RUN,
        ms: 300,
      }),
    );
  }
  longSteps.push(
    [
      5,
      {
        type: "turn_ended",
        turn_id: "p1",
        outcome: "done",
        ms: 4_000_000,
        input_tokens: 1_240_000,
        output_tokens: 210_000,
      },
    ],
    state("working", "idle"),
  );

  return [
    recording(waiting, [
      ...begin(waiting, "Bump the version to 2.4.0, write the changelog, tag it and push the tag."),
      ...ready,
      state("idle", "working"),
      [5, { type: "turn_started", turn_id: "p1" }],
      ...say("The changelog has 14 entries since 2.3; I wrote them up and tagged the commit.\n"),
      ...call({
        tool: "bash",
        kind: "execute",
        title: "git tag -a v2.4.0 -m 'Ledger 2.4.0'",
        input: { command: "git tag -a v2.4.0 -m 'Ledger 2.4.0'" },
        ms: 90,
      }),
      [
        10,
        {
          type: "permission_requested",
          request_id: "r0",
          permission: "bash",
          title: "git log --oneline v2.3.0..HEAD",
        },
      ],
      [900, { type: "permission_resolved", request_id: "r0", reply: "once", by: "Ada" }],
      [
        20,
        {
          type: "tool_call",
          tool_call_id: pushId,
          tool: "bash",
          kind: "execute",
          title: "git push origin v2.4.0",
          input: { command: "git push origin v2.4.0" },
        },
      ],
      [
        10,
        {
          type: "permission_requested",
          request_id: "r1",
          tool_call_id: pushId,
          permission: "bash",
          title: "git push origin v2.4.0",
          patterns: ["git push origin v2.4.0"],
          always: ["git push *"],
        },
      ],
      state("working", "waiting", "It asks whether it may run a command."),
    ]),
    recording(question, [
      ...begin(question, "Dates are parsed by hand. Use a library."),
      ...ready,
      state("idle", "working"),
      [5, { type: "turn_started", turn_id: "p1" }],
      ...say("Three libraries would do. Before I choose one I have two questions.\n"),
      [
        10,
        {
          type: "question_asked",
          request_id: "q1",
          questions: [
            {
              question: "Which library shall I use?",
              header: "Library",
              multiple: false,
              custom: true,
              options: [
                { label: "whenever", description: "Strict types, fast, young" },
                { label: "pendulum", description: "Well known, bigger" },
                {
                  label: "the standard library",
                  description: "Nothing to install; more code of our own",
                },
              ],
            },
            {
              question: "Which places shall change?",
              header: "Places",
              multiple: true,
              custom: false,
              options: [
                { label: "the importer", description: "" },
                { label: "the reports", description: "" },
              ],
            },
          ],
        },
      ],
      state("working", "waiting", "It asks something."),
    ]),
    recording(
      working,
      [...begin(working, PROMPT), ...ready, ...work.slice(0, 60)],
      [...work.slice(60), ...finish],
    ),
    recording(starting, [
      ...begin(
        starting,
        "Importing a ledger of 200,000 lines takes a minute. Find out why, and make it faster.",
      ),
      ...ready.slice(0, 9),
    ]),
    recording(queued, [
      ...begin(queued, "Write a man page for the command line."),
      [
        5,
        {
          type: "state_changed",
          previous: "queued",
          state: "queued",
          reason: "It waits for the sandbox image, which is being built.",
        },
      ],
    ]),
    recording(done, [...begin(done, PROMPT), ...ready, ...work, ...finish]),
    recording(failed, [
      ...begin(failed, "Update all dependencies to their newest versions."),
      ...ready.slice(0, 7),
      stage(300, "clone", "failed", { ms: 310, detail: "no branch mian" }),
      [
        5,
        {
          type: "error",
          code: "branch_not_found",
          message: "The clone failed: there is no branch `mian`.",
          remedy: "Did you mean `main`?",
          detail: "fatal: Remote branch mian not found in upstream origin",
          suggestions: ["main", "maint"],
        },
      ],
      state("starting", "failed", "The clone failed: there is no branch mian."),
    ]),
    recording(errors, [
      ...begin(errors, "Explain what scripts/release.sh does."),
      ...ready,
      state("idle", "working"),
      [5, { type: "turn_started", turn_id: "p1" }],
      [
        400,
        {
          type: "model_retry",
          attempt: 1,
          message: "The model is overloaded (status 529).",
          next_at: new Date(Date.now()).toISOString(),
        },
      ],
      [
        400,
        {
          type: "model_retry",
          attempt: 2,
          message: "The model is overloaded (status 529).",
          next_at: new Date(Date.now()).toISOString(),
        },
      ],
      [
        20,
        {
          type: "notice",
          code: "agent_restarted",
          message: "The agent was restarted; what it said before is kept.",
        },
      ],
      [
        20,
        {
          type: "error",
          code: "model_unauthorized",
          message: "The model provider refused the key.",
          remedy: "Check `OPENAI_API_KEY` where the hub runs, and start the hub again.",
        },
      ],
      [
        5,
        {
          type: "turn_ended",
          turn_id: "p1",
          outcome: "failed",
          ms: 3200,
          message: "The model provider refused the key.",
          code: "model_unauthorized",
        },
      ],
      state("working", "idle"),
    ]),
    recording(setup, [...begin(setup, "").slice(0, 1), ...setUp]),
    recording(long, longSteps),
    recording(asleep, [
      ...begin(asleep, "Try a parser combinator."),
      ...ready,
      state("idle", "hibernated"),
    ]),
  ];
}

/** What a session that is started on the page does. */
export function fresh(made: Session, prompt: string): Recording {
  return recording(made, begin(made, prompt), [...ready, ...work, ...finish]);
}
