/** The WebSocket to a terminal of the sandbox: kept up, and told how large its screen is. */

import { keepConnected, type Link } from "@/api/connection";
import { socketUrl } from "@/api/environment";
import { Feed } from "./feed";
import type { Screen } from "./screen";

const ENDED = 1000;
const NO_TERMINAL = 4404;

export interface Line {
  resize(size: { rows: number; cols: number }): void;
  close(): void;
}

interface Options {
  changed: (link: Link) => void;
  /** The terminal is no more. */
  ended: () => void;
}

export function openLine(
  sessionId: string,
  terminalId: string,
  screen: Screen,
  { changed, ended }: Options,
): Line {
  const { terminal } = screen;
  const encoder = new TextEncoder();
  let socket: WebSocket | null = null;
  let size = screen.fit() ?? { rows: terminal.rows, cols: terminal.cols };

  const send = (data: string | Uint8Array<ArrayBuffer>) => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(data);
  };
  const typed = terminal.onData((text) => send(encoder.encode(text)));
  const raw = terminal.onBinary((text) => send(Uint8Array.from(text, (c) => c.charCodeAt(0))));

  /** Somebody else's screen decides how large the terminal is: whoever used it last. */
  const shared = (text: string) => {
    const { rows, cols } = JSON.parse(text) as { rows?: unknown; cols?: unknown };
    if (typeof rows === "number" && typeof cols === "number") terminal.resize(cols, rows);
  };

  const run = (signal: AbortSignal, opened: () => void) =>
    new Promise<void>((resolve) => {
      const url = socketUrl(
        sessionId,
        `terminals/${encodeURIComponent(terminalId)}?rows=${size.rows}&cols=${size.cols}`,
      );
      const mine = new WebSocket(url);
      const feed = new Feed(terminal, () => mine.close());
      socket = mine;
      mine.binaryType = "arraybuffer";
      const abort = () => mine.close();
      signal.addEventListener("abort", abort);
      mine.onopen = () => {
        // What was printed before comes first, each time.
        terminal.reset();
        mine.send(JSON.stringify(size));
        opened();
      };
      mine.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
        if (typeof data === "string") shared(data);
        else feed.add(new Uint8Array(data));
      };
      mine.onclose = ({ code }) => {
        signal.removeEventListener("abort", abort);
        if (signal.aborted) feed.close();
        else if (code === ENDED || code === NO_TERMINAL) {
          stop();
          ended();
        }
        resolve();
      };
    });
  const stop = keepConnected({ run, changed, whileHidden: true });

  return {
    resize(next) {
      if (next.rows === size.rows && next.cols === size.cols) return;
      size = next;
      send(JSON.stringify(size));
    },
    close() {
      stop();
      typed.dispose();
      raw.dispose();
    },
  };
}
