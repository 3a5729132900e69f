/** A sandbox that is none: a terminal that echoes, a screen with a picture, a page on a port. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { accept } from "./socket.ts";

const E = "\u001b[";
const PROMPT = `${E}32magent${E}0m:${E}34m/workspace${E}0m$ `;
const HISTORY = `${PROMPT}git status --short
 ${E}31mM${E}0m src/ledger/parse.py
${E}31m??${E}0m tests/test_amounts.py
${PROMPT}uv run pytest -q
${E}32m..............${E}0m                                       [100%]
${E}32m${E}1m14 passed${E}0m${E}32m in 0.22s${E}0m
${PROMPT}`.replaceAll("\n", "\r\n");

/** What each terminal has printed. Typing `flood` prints ten megabytes. */
const printed = new Map<string, string>();

export function openSocket(request: IncomingMessage, stream: Duplex): boolean {
  const parts = new URL(request.url ?? "/", "http://hub").pathname.split("/");
  if (parts[4] === "terminals" && parts[5]) terminal(parts[5], request, stream);
  else if (parts[4] === "desktop") desktop(request, stream);
  else return false;
  return true;
}

function terminal(id: string, request: IncomingMessage, stream: Duplex): void {
  const socket = accept(request, stream);
  const print = (text: string) => {
    printed.set(id, (printed.get(id) ?? HISTORY) + text);
    socket.send(Buffer.from(text));
  };
  socket.send(Buffer.from(printed.get(id) ?? HISTORY));
  let line = "";
  socket.onMessage = (data, isText) => {
    if (isText) return;
    for (const character of data.toString()) {
      if (character === "\r") {
        print("\r\n");
        if (line === "flood") {
          const row = `${E}33m${"x".repeat(94)}${E}0m\r\n`;
          for (let index = 0; index < 100; index++) socket.send(Buffer.from(row.repeat(1000)));
        } else if (line) print(`${line}: there is no shell here\r\n`);
        if (line === "exit") return socket.close(1000);
        line = "";
        print(PROMPT);
      } else if (character === "\u007f") {
        if (line) print("\b \b");
        line = line.slice(0, -1);
      } else {
        line += character;
        print(character);
      }
    }
  };
}

/** RFB 3.8 without a password, on which a picture of a page is drawn once. */
function desktop(request: IncomingMessage, stream: Duplex): void {
  const socket = accept(request, stream);
  const [width, height] = [960, 720];
  let step = 0;
  let drawn = false;
  socket.send(Buffer.from("RFB 003.008\n"));
  socket.onMessage = (data) => {
    if (step === 0) socket.send(Buffer.from([1, 1]));
    else if (step === 1) socket.send(Buffer.alloc(4));
    else if (step === 2) {
      const name = Buffer.from("sandbox");
      const init = Buffer.alloc(24);
      init.writeUInt16BE(width, 0);
      init.writeUInt16BE(height, 2);
      Buffer.from([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 0, 8, 16]).copy(init, 4);
      init.writeUInt32BE(name.length, 20);
      socket.send(Buffer.concat([init, name]));
    } else if (!drawn && (data[0] === 3 || data.includes(Buffer.from([3, 0, 0, 0, 0, 0])))) {
      drawn = true;
      socket.send(picture(width, height));
    }
    step++;
  };
}

function picture(width: number, height: number): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt16BE(1, 2);
  head.writeUInt16BE(width, 8);
  head.writeUInt16BE(height, 10);
  const pixels = Buffer.alloc(width * height * 4, 255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bar = y < 64;
      const text = y > 120 && y < 520 && y % 40 < 16 && x > 80 && x < 380 + ((y * 13) % 400);
      const [r, g, b] = bar ? [222, 225, 230] : text ? [90, 96, 110] : [255, 255, 255];
      pixels.set([r as number, g as number, b as number, 255], (y * width + x) * 4);
    }
  }
  return Buffer.concat([head, pixels]);
}

export const page = (
  title: string,
) => `<!doctype html><meta name="color-scheme" content="light dark">
<title>${title}</title><body style="font: 15px system-ui; padding: 2rem"><h1>${title}</h1><p>A page out of the sandbox.</p>`;

/** A screenshot, as a tool would have given it. */
export const SHOT = `<svg xmlns="http://www.w3.org/2000/svg" width="1280" height="800"><rect width="1280" height="800" fill="#fff"/><rect width="1280" height="72" fill="#24507a"/><text x="40" y="47" font-family="sans-serif" font-size="28" fill="#fff">Ledger</text><g fill="#dfe4ea"><rect x="40" y="120" width="720" height="24"/><rect x="40" y="168" width="900" height="24"/><rect x="40" y="216" width="610" height="24"/></g><rect x="40" y="290" width="180" height="48" rx="6" fill="#24507a"/></svg>`;
