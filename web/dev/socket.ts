/** Just enough of a WebSocket server (RFC 6455) for the replay hub: whole messages, no extensions. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

export interface Socket {
  send(data: Buffer | string): void;
  close(code: number): void;
  onMessage: (data: Buffer, isText: boolean) => void;
}

const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export function accept(request: IncomingMessage, stream: Duplex): Socket {
  const key = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${MAGIC}`);
  const protocol = request.headers["sec-websocket-protocol"];
  stream.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${
      protocol ? `Sec-WebSocket-Protocol: ${protocol}\r\n` : ""
    }Sec-WebSocket-Accept: ${key.digest("base64")}\r\n\r\n`,
  );
  stream.on("error", () => stream.destroy());
  const write = (opcode: number, data: Buffer) => {
    if (stream.destroyed) return;
    const head = data.length < 126 ? Buffer.alloc(2) : Buffer.alloc(data.length < 65_536 ? 4 : 10);
    head[0] = 0x80 | opcode;
    if (data.length < 126) head[1] = data.length;
    else if (data.length < 65_536) {
      head[1] = 126;
      head.writeUInt16BE(data.length, 2);
    } else {
      head[1] = 127;
      head.writeBigUInt64BE(BigInt(data.length), 2);
    }
    stream.write(Buffer.concat([head, data]));
  };
  const socket: Socket = {
    send: (data) => write(typeof data === "string" ? 1 : 2, Buffer.from(data as string)),
    close(code) {
      const body = Buffer.alloc(2);
      body.writeUInt16BE(code);
      write(8, body);
      stream.end();
    },
    onMessage: () => {},
  };
  let left = Buffer.alloc(0);
  stream.on("data", (data: Buffer) => {
    left = Buffer.concat([left, data]);
    for (;;) {
      const frame = parse(left);
      if (!frame) return;
      left = left.subarray(frame.length);
      if (frame.opcode === 8) stream.end();
      else if (frame.opcode === 1 || frame.opcode === 2)
        socket.onMessage(frame.data, frame.opcode === 1);
    }
  });
  return socket;
}

function parse(bytes: Buffer): { opcode: number; data: Buffer; length: number } | null {
  if (bytes.length < 2) return null;
  let size = (bytes[1] ?? 0) & 0x7f;
  let at = 2;
  if (size === 126) {
    if (bytes.length < 4) return null;
    size = bytes.readUInt16BE(2);
    at = 4;
  } else if (size === 127) {
    if (bytes.length < 10) return null;
    size = Number(bytes.readBigUInt64BE(2));
    at = 10;
  }
  if (bytes.length < at + 4 + size) return null;
  const mask = bytes.subarray(at, at + 4);
  const data = Buffer.from(bytes.subarray(at + 4, at + 4 + size)).map(
    (byte, index) => byte ^ (mask[index % 4] ?? 0),
  );
  return { opcode: (bytes[0] ?? 0) & 0x0f, data: Buffer.from(data), length: at + 4 + size };
}
