import { expect, it } from "vitest";
import { parseDiff } from "./diff";

it("reads files, hunks and line numbers", () => {
  const [file, ...rest] = parseDiff(`diff --git a/src/app.py b/src/app.py
index 1..2 100644
--- a/src/app.py
+++ b/src/app.py
@@ -10,4 +10,5 @@ def main():
 a
-b
+B
+C
 d

`);
  expect(rest).toEqual([]);
  expect(file).toMatchObject({
    path: "src/app.py",
    status: "modified",
    additions: 2,
    deletions: 1,
  });
  expect(file?.hunks[0]?.heading).toBe("def main():");
  expect(file?.hunks[0]?.lines.map((line) => [line.kind, line.before, line.after])).toEqual([
    ["context", 10, 10],
    ["delete", 11, null],
    ["add", null, 11],
    ["add", null, 12],
    ["context", 12, 13],
    ["context", 13, 14],
  ]);
});

it("knows added, deleted, renamed and binary files", () => {
  const files = parseDiff(`diff --git a/new.txt b/new.txt
new file mode 100644
--- /dev/null
+++ b/new.txt
@@ -0,0 +1 @@
+hello
\\ No newline at end of file
diff --git a/old.txt b/old.txt
deleted file mode 100644
--- a/old.txt
+++ /dev/null
@@ -1 +0,0 @@
-bye
diff --git a/a b.txt b/c d.txt
similarity index 100%
rename from a b.txt
rename to c d.txt
diff --git a/logo.png b/logo.png
Binary files a/logo.png and b/logo.png differ
`);
  expect(files.map((file) => [file.path, file.status, file.binary])).toEqual([
    ["new.txt", "added", false],
    ["old.txt", "deleted", false],
    ["c d.txt", "renamed", false],
    ["logo.png", "modified", true],
  ]);
  expect(files[2]?.oldPath).toBe("a b.txt");
});

it("does not take a deleted line that looks like a header for one", () => {
  const [file] = parseDiff(`--- a/x.sql
+++ b/x.sql
@@ -1,2 +1,2 @@
--- comment
+++ comment
 select 1
`);
  expect(file).toMatchObject({ path: "x.sql", additions: 1, deletions: 1 });
});

it("reads paths that git put in quotes", () => {
  const [file] = parseDiff(
    'diff --git "a/\\303\\244.txt" "b/\\303\\244.txt"\nnew file mode 100644\n',
  );
  expect(file?.path).toBe("ä.txt");
});

it("gives nothing for nothing", () => {
  expect(parseDiff("")).toEqual([]);
});
