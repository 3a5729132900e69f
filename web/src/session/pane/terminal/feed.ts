/**
 * Gives a terminal what came for it, a piece at a time.
 *
 * A WebSocket in a browser hands over everything as it comes, however fast. What waits is bounded:
 * beyond `LIMIT` bytes `onFull` is called, whose caller starts anew with what the sandbox has on its
 * screen, instead of drawing what nobody could have read.
 */
const PIECE = 64 * 1024;
const LIMIT = 16 * 1024 * 1024;

interface Sink {
  write(data: Uint8Array, done: () => void): void;
}

export class Feed {
  private pieces: Uint8Array[] = [];
  private waiting = 0;
  private busy = false;
  private closed = false;

  constructor(
    private readonly sink: Sink,
    private readonly onFull: () => void,
    private readonly limit = LIMIT,
  ) {}

  add(data: Uint8Array): void {
    if (this.closed) return;
    if (this.waiting + data.length > this.limit) {
      this.close();
      this.onFull();
      return;
    }
    for (let start = 0; start < data.length; start += PIECE) {
      this.pieces.push(data.subarray(start, start + PIECE));
    }
    this.waiting += data.length;
    this.next();
  }

  /** Forget what waits; nothing more is taken. */
  close(): void {
    this.closed = true;
    this.pieces = [];
    this.waiting = 0;
  }

  private next(): void {
    if (this.busy || this.closed) return;
    const piece = this.pieces.shift();
    if (!piece) return;
    this.busy = true;
    this.sink.write(piece, () => {
      this.busy = false;
      this.waiting -= piece.length;
      this.next();
    });
  }
}
