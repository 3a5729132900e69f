/**
 * A hub made of recordings, for `npm run dev:replay` (or a preview of a build): it answers the API
 * from memory.
 *
 * `REPLAY_SCENE`: `busy` (many sessions, the default), `first` (none yet), `building` (none, and the
 * image is being built), `signed-out`. `REPLAY_ROLE`: what one is in all sessions (`owner`).
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Connect, Plugin } from "vite";
import type { LogEvent, Session } from "../src/api/types";
import { repositories } from "./forge.ts";
import { folded, logPage } from "./log-pages.ts";
import { FILES, PATCH } from "./material.ts";
import { busy, fresh, type Recording } from "./recordings.ts";
import { ENTRIES, OF_SESSION } from "./repository-settings.ts";
import { openSocket, page, SHOT } from "./sandbox.ts";
import { complete, type Made } from "./steps.ts";

const COMMANDS = [
  { command: "uv run pytest -q", cwd: "/workspace", exit_code: 1 },
  { command: "git diff --stat", cwd: "/workspace", exit_code: 0 },
];

interface Playing {
  session: Session;
  log: LogEvent[];
  listeners: Set<(events: LogEvent[]) => void>;
}

/** Who is where, beside the one who looks. */
const PRESENT = [
  {
    session_id: "s-working",
    people: [
      { id: "u1", name: "Ada", typing: false },
      { id: "u2", name: "Ben Okoro", typing: true },
      { id: "u3", name: "Chioma", typing: false },
    ],
  },
  { session_id: "s-done", people: [{ id: "u2", name: "Ben Okoro", typing: false }] },
];

export function replayHub(scene = process.env.REPLAY_SCENE ?? "busy"): Plugin {
  const playing = new Map<string, Playing>();
  const watchers = new Set<(event: string, data: unknown) => void>();
  const began = Date.now();

  const append = (play: Playing, event: Made, at = new Date().toISOString()) => {
    const made = complete(event, play.log.length + 1, at);
    play.log.push(made);
    for (const listener of play.listeners) listener([made]);
    if (made.type === "state_changed") {
      play.session = { ...play.session, state: made.state, state_reason: made.reason };
    } else if (made.type === "tool_call") {
      play.session = { ...play.session, activity: made.title };
    } else if (made.type === "workspace_changed") {
      const { additions, deletions, files } = made;
      play.session = { ...play.session, additions, deletions, changed_files: files.length };
    } else return;
    for (const watcher of watchers) watcher("session", play.session);
  };

  const start = ({ session, past, live }: Recording): Playing => {
    const play: Playing = { session, log: [], listeners: new Set() };
    playing.set(session.id, play);
    let time = Date.parse(session.updated_at) - past.reduce((sum, [wait]) => sum + wait, 0);
    for (const [wait, event] of past) {
      time += wait;
      play.log.push(complete(event, play.log.length + 1, new Date(time).toISOString()));
    }
    void (async () => {
      for (const [wait, event] of live) {
        await new Promise((resolve) => setTimeout(resolve, wait));
        append(play, event);
      }
    })();
    return play;
  };
  const role = (process.env.REPLAY_ROLE ?? "owner") as Session["role"];
  if (scene === "busy") {
    for (const recording of busy()) {
      start({ ...recording, session: { ...recording.session, role } });
    }
  }

  const system = () => {
    const seconds = (Date.now() - began) / 1000 + 63;
    const building = scene === "building";
    return {
      version: "0.1.0",
      engine: {
        ok: true,
        name: "podman",
        version: "4.3.1",
        socket: null,
        error: null,
        remedy: null,
      },
      image: {
        state: building ? "building" : "ready",
        key: "d41c",
        step: building ? "Step 6 of 14: installing the toolchain" : null,
        progress: building ? 0.43 : 1,
        seconds,
        error: null,
        remedy: null,
      },
      sandboxes: 3,
      max_sandboxes: 8,
      sample_repository: "/srv/bunkhouse",
    };
  };
  const models = {
    default: "demo/demo",
    items: [{ id: "demo/demo", provider: "demo", name: "Demo (scripted)", scripted: true }],
    providers: [
      { id: "demo", name: "Demo", enabled: true, how: "" },
      {
        id: "anthropic",
        name: "Anthropic",
        enabled: false,
        how: "Set `ANTHROPIC_API_KEY` in `.env` and start the hub again.",
      },
      {
        id: "openai",
        name: "OpenAI, or anything that speaks like it",
        enabled: false,
        how: "Set `OPENAI_API_KEY`, and `OPENAI_BASE_URL` for Ollama or vLLM.",
      },
      { id: "gemini", name: "Gemini", enabled: false, how: "Set `GEMINI_API_KEY`." },
    ],
  };

  let terminals: { id: string; title: string; viewers: number }[] = [];
  const services = (play: Playing) => ({
    services: (["editor", "desktop"] as const).map((name) => {
      const last = play.log.findLast(
        (event) => event.type === "service_changed" && event.name === name,
      );
      const state = last?.type === "service_changed" ? last.state : "stopped";
      const memory = state === "ready" ? 312 * 1024 ** 2 : 0;
      return { name, state, detail: null, progress: null, memory, connections: 0, ms: null };
    }),
    ports: [],
    drive: null,
    agent_memory: 268 * 1024 ** 2,
    terminals_memory: 14 * 1024 ** 2,
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://hub");
    const json = (body: unknown, status = 200) => {
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(body));
    };
    const body = async () => {
      let text = "";
      for await (const piece of request) text += piece;
      return text ? JSON.parse(text) : {};
    };
    if (scene === "signed-out")
      return json(
        { status: 401, title: "Unauthorized", detail: "Sign in.", code: "unauthorized" },
        401,
      );
    const parts = url.pathname.split("/").slice(2);
    const list = () =>
      [...playing.values()]
        .map((play) => play.session)
        .sort((a, b) => b.updated_at.localeCompare(a.updated_at));

    if (parts[0] === "me") return json({ id: "u1", name: "Ada", role: "admin" });
    if (parts[0] === "system") return json(system());
    if (parts[0] === "models") return json(models);
    if (parts[0] === "repositories") return json(repositories(parts[1], url));
    if (parts[0] === "repository-settings") return json({ items: ENTRIES, next: null });
    if (parts[0] === "branches")
      return json({ default: "main", items: ["main", "maint", "next", "fix/amounts"] });
    if (parts[0] === "events") {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      const shown = playing.get(url.searchParams.get("session") ?? "");
      const send = (event: string, data: unknown) =>
        response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      send("system", system());
      for (const session of list()) send("session", session);
      for (const { session_id, people } of PRESENT) send("presence", { session_id, people });
      send("ready", { you: "u1" });
      watchers.add(send);
      const sendLog = (items: LogEvent[]) =>
        send("log", { session_id: shown?.session.id, items: folded(items) });
      if (shown) {
        const after = Number(url.searchParams.get("after") ?? 0);
        sendLog(shown.log.filter((event) => event.seq > after));
        shown.listeners.add(sendLog);
      }
      request.on("close", () => {
        watchers.delete(send);
        shown?.listeners.delete(sendLog);
      });
      return;
    }
    if (parts[0] === "frames") {
      response.writeHead(200, { "Content-Type": "text/html" });
      response.end(page(parts[1] === "editor" ? "VS Code" : `Port ${parts[1]}`));
      return;
    }
    if (parts[0] === "uploads" && request.method === "POST") {
      let size = 0;
      for await (const piece of request) size += piece.length;
      const name = url.searchParams.get("name") ?? "file";
      const mime = /\.(png|jpe?g|gif|webp)$/i.test(name) ? "image/png" : "text/plain";
      return json({ id: `u_${Date.now()}`, name, mime, size }, 201);
    }
    if (parts[0] === "uploads") return void response.writeHead(204).end();
    if (parts[0] !== "sessions")
      return json(
        { status: 404, detail: "Nothing here.", code: "not_found", title: "Not found" },
        404,
      );
    if (parts.length === 1 && request.method === "POST") {
      const wish = await body();
      const now = new Date().toISOString();
      const made: Session = {
        id: `s-${playing.size + 1}`,
        title: wish.title ?? (wish.prompt || "From the forge").split("\n")[0].slice(0, 80),
        state: "queued",
        state_reason: null,
        repository: wish.repository,
        branch: wish.branch ?? "main",
        model: wish.model,
        author: "Ada",
        created_at: now,
        updated_at: now,
        last_seq: 0,
        activity: null,
        additions: 0,
        deletions: 0,
        changed_files: 0,
        queue: [],
        driver: null,
        ports: [],
        state_at: now,
        hibernate_after: null,
        kept: null,
        rewind: null,
        forked_from: null,
        work_branch: null,
        pull_request: null,
        parent: null,
        visibility: "private",
        role: "owner",
      };
      start(fresh(made, wish.prompt));
      return json(made, 201);
    }
    if (parts.length === 1) return json({ items: list(), next: null });
    const play = playing.get(parts[1] ?? "");
    if (!play)
      return json(
        { status: 404, title: "Not found", detail: "There is no such session.", code: "not_found" },
        404,
      );
    if (parts[2] === "events") return log(play, request, response, url);
    if (parts[2] === "repository-settings" && parts[1] === "s-setup") return json(OF_SESSION);
    if (parts[2] === "changes")
      return json({ diff: PATCH, files: FILES, base: "4f2c91e", truncated: false });
    const gone = () => void response.writeHead(204).end();
    const name = parts[3] as "editor" | "desktop";
    if (parts[2] === "services" && request.method === "GET") return json(services(play));
    if (parts[2] === "services" && request.method === "DELETE") {
      append(play, { type: "service_changed", name, state: "stopped", detail: "unused" });
      return gone();
    }
    if (parts[2] === "services") {
      for (const [index, detail] of [
        "Unpacking",
        "Laying out settings",
        "Waiting for it",
      ].entries()) {
        append(play, {
          type: "service_changed",
          name,
          state: "starting",
          detail,
          progress: index / 3,
        });
        await new Promise((resolve) => setTimeout(resolve, 900));
      }
      append(play, { type: "service_changed", name, state: "ready", ms: 2700 });
      return json(services(play).services.find((service) => service.name === name));
    }
    if (parts[2] === "terminals" && request.method === "GET") return json({ terminals });
    if (parts[2] === "terminals" && request.method === "POST") {
      const made = { id: `t${terminals.length + 1}`, title: "bash", viewers: 1 };
      terminals.push(made);
      return json(made, 201);
    }
    if (parts[2] === "terminals") {
      terminals = terminals.filter((terminal) => terminal.id !== parts[3]);
      return gone();
    }
    if (parts[2] === "views") {
      const { app } = await body();
      const link = `/api/frames/${app}`;
      return json({
        url: link,
        link: `http://${request.headers.host}${link}`,
        mode: "domain",
        notice: null,
      });
    }
    if (parts[2] === "drive" && request.method === "POST") {
      append(play, { type: "drive_requested", by: "Ada" });
      setTimeout(() => append(play, { type: "drive_started", snapshot: "4f2c91e" }), 1500);
      return json(play.session);
    }
    if (parts[2] === "drive" || parts[2] === "hand-back") {
      const note = parts[2] === "drive" ? null : (await body()).note;
      append(play, {
        type: "drive_ended",
        by: "Ada",
        note,
        files: FILES.slice(0, 2),
        commands: COMMANDS,
      });
      append(play, {
        type: "prompt_queued",
        prompt_id: `p${play.log.length}`,
        kind: "hand_back",
        text: "Ada worked in the workspace while you rested.\n\nChanged files:\n- src/ledger/parse.py (+12 −2)",
      });
      return json(play.session);
    }
    if (parts[2] === "blobs") {
      response.writeHead(200, { "Content-Type": "image/svg+xml" });
      response.end(SHOT);
      return;
    }
    if (parts[2] === "prompts" && request.method === "PATCH") {
      const { text, model, position, when } = await body();
      const prompt_id = parts[3];
      if (text !== undefined || model !== undefined)
        append(play, { type: "prompt_edited", prompt_id, text, model: model ?? null });
      if (position !== undefined || when)
        append(play, { type: "prompt_moved", prompt_id, position: when ? 0 : position, when });
      return json({ id: prompt_id });
    }
    if (parts[2] === "prompts" && request.method === "POST") {
      const { text, when } = await body();
      const prompt_id = `p${play.log.length}`;
      const position = when === "now" ? 0 : null;
      append(play, { type: "prompt_queued", prompt_id, text, when, position });
      return json(
        {
          id: prompt_id,
          text,
          author: "Ada",
          model: null,
          state: "queued",
          created_at: new Date().toISOString(),
        },
        202,
      );
    }
    if (parts[2] === "prompts") {
      append(play, { type: "prompt_withdrawn", prompt_id: parts[3] });
      response.writeHead(204).end();
      return;
    }
    if (parts[2] === "permissions") {
      const { reply } = await body();
      append(play, { type: "permission_resolved", request_id: parts[3], reply, by: "Ada" });
      append(play, { type: "state_changed", previous: "waiting", state: "working" });
      return json({}, 202);
    }
    if (parts[2] === "questions") {
      const { answers } = await body();
      append(play, { type: "question_resolved", request_id: parts[3], answers, by: "Ada" });
      append(play, { type: "state_changed", previous: "waiting", state: "working" });
      return json({}, 202);
    }
    if (request.method === "PATCH") {
      play.session = { ...play.session, ...(await body()) };
      for (const watcher of watchers) watcher("session", play.session);
    }
    return json(play.session);
  }

  function log(play: Playing, request: IncomingMessage, response: ServerResponse, url: URL): void {
    const after = Number(url.searchParams.get("after") ?? 0);
    const events = play.log.filter((event) => event.seq > after);
    if (request.headers.accept === "application/json") {
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(JSON.stringify(logPage(play.log, url.searchParams)));
      return;
    }
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const send = (some: LogEvent[]) => {
      for (const event of some) {
        response.write(
          `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
        );
      }
    };
    response.write(": here\n\n");
    send(events);
    play.listeners.add(send);
    request.on("close", () => play.listeners.delete(send));
  }

  const mount = (server: { middlewares: Connect.Server; httpServer: unknown }) => {
    (server.httpServer as Server | null)?.on("upgrade", (request, stream) => {
      if (request.url?.startsWith("/api/")) openSocket(request, stream);
    });
    server.middlewares.use("/api", (request, response) => {
      request.url = `/api${request.url}`;
      void answer(request, response);
    });
  };
  return { name: "bunkhouse-replay-hub", configureServer: mount, configurePreviewServer: mount };
}
