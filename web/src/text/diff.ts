/** Unified diffs, as git prints them. */

export interface DiffLine {
  kind: "context" | "add" | "delete";
  text: string;
  before: number | null;
  after: number | null;
}

export interface Hunk {
  /** What stands behind the second `@@`: the function that it is in. */
  heading: string;
  lines: DiffLine[];
}

export interface FileDiff {
  path: string;
  oldPath: string | null;
  status: "added" | "modified" | "deleted" | "renamed";
  binary: boolean;
  hunks: Hunk[];
  additions: number;
  deletions: number;
}

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$/;

/** Parse a diff of any number of files. What is no diff is left out. */
export function parseDiff(text: string): FileDiff[] {
  const files: FileDiff[] = [];
  const lines = text.split("\n");
  let file: FileDiff | null = null;
  let index = 0;

  const begin = (path: string): FileDiff => {
    file = {
      path,
      oldPath: null,
      status: "modified",
      binary: false,
      hunks: [],
      additions: 0,
      deletions: 0,
    };
    files.push(file);
    return file;
  };

  while (index < lines.length) {
    const line = lines[index] ?? "";
    const hunk = HUNK.exec(line);
    if (hunk && file) {
      index = readHunk(lines, index + 1, hunk, file);
      continue;
    }
    if (line.startsWith("diff --git ")) {
      begin(pathOfHeader(line));
    } else if (line.startsWith("--- ") && lines[index + 1]?.startsWith("+++ ")) {
      const before = cleanPath(line.slice(4));
      const after = cleanPath((lines[index + 1] ?? "").slice(4));
      const known: FileDiff | null = file;
      const target: FileDiff =
        known && (known as FileDiff).hunks.length === 0 ? known : begin(after ?? before ?? "");
      target.path = after ?? before ?? target.path;
      if (before === null) target.status = "added";
      if (after === null) target.status = "deleted";
      index++;
    } else if (file) {
      readHeader(line, file);
    }
    index++;
  }
  return files;
}

function readHeader(line: string, file: FileDiff): void {
  if (line.startsWith("new file")) file.status = "added";
  else if (line.startsWith("deleted file")) file.status = "deleted";
  else if (line.startsWith("rename from ")) {
    file.status = "renamed";
    file.oldPath = unquote(line.slice(12));
  } else if (line.startsWith("rename to ")) file.path = unquote(line.slice(10));
  else if (line.startsWith("Binary files ") || line.startsWith("GIT binary patch"))
    file.binary = true;
}

/** Read the lines that the hunk's header promises; returns where it ended. */
function readHunk(lines: string[], start: number, header: RegExpExecArray, file: FileDiff): number {
  const hunk: Hunk = { heading: header[5] ?? "", lines: [] };
  file.hunks.push(hunk);
  let before = Number(header[1]);
  let after = Number(header[3]);
  let oldLeft = Number(header[2] ?? 1);
  let newLeft = Number(header[4] ?? 1);
  let index = start;
  for (; index < lines.length && (oldLeft > 0 || newLeft > 0); index++) {
    const line = lines[index] ?? "";
    const text = line.slice(1);
    if (line.startsWith("+")) {
      hunk.lines.push({ kind: "add", text, before: null, after: after++ });
      newLeft--;
      file.additions++;
    } else if (line.startsWith("-")) {
      hunk.lines.push({ kind: "delete", text, before: before++, after: null });
      oldLeft--;
      file.deletions++;
    } else if (line.startsWith(" ") || line === "") {
      // Some programs drop the space in front of an empty line.
      hunk.lines.push({ kind: "context", text, before: before++, after: after++ });
      oldLeft--;
      newLeft--;
    } else if (!line.startsWith("\\")) {
      break;
    }
  }
  return index;
}

function pathOfHeader(line: string): string {
  const rest = line.slice("diff --git ".length);
  const quoted = /"(?:[^"\\]|\\.)*"$/.exec(rest);
  if (quoted) return cleanPath(quoted[0]) ?? "";
  const middle = rest.indexOf(" b/");
  return middle < 0 ? rest : rest.slice(middle + 3);
}

function cleanPath(raw: string): string | null {
  const path = unquote(raw.replace(/\t.*$/, ""));
  if (path === "/dev/null") return null;
  return path.replace(/^[ab]\//, "");
}

/** Git puts paths with odd bytes in quotes, the bytes in octal. */
function unquote(path: string): string {
  if (!path.startsWith('"') || !path.endsWith('"')) return path;
  const bytes: number[] = [];
  const body = path.slice(1, -1);
  const escapes: Record<string, number> = { n: 10, t: 9, r: 13, '"': 34, "\\": 92 };
  for (let index = 0; index < body.length; index++) {
    if (body[index] !== "\\") {
      bytes.push(...new TextEncoder().encode(body[index]));
      continue;
    }
    const octal = /^[0-7]{3}/.exec(body.slice(index + 1));
    if (octal) {
      bytes.push(Number.parseInt(octal[0], 8));
      index += 3;
    } else {
      bytes.push(escapes[body[index + 1] ?? ""] ?? 63);
      index++;
    }
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}
