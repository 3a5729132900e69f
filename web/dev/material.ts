/** What the recorded agent reads and prints: files, diffs, outputs. */

export const DIFF = `diff --git a/src/ledger/parse.py b/src/ledger/parse.py
--- a/src/ledger/parse.py
+++ b/src/ledger/parse.py
@@ -18,12 +18,19 @@ def parse_amount(text: str) -> Decimal:
     """Read an amount as people write it: \`1,234.50\` or \`1.234,50\`."""
     text = text.strip()
     if not text:
-        raise ValueError("empty amount")
-    return Decimal(text.replace(",", ""))
+        raise AmountError("There is no amount here.", text)
+    comma, dot = text.rfind(","), text.rfind(".")
+    # Whichever stands last parts the cents from the rest.
+    if comma > dot:
+        text = text.replace(".", "").replace(",", ".")
+    else:
+        text = text.replace(",", "")
+    try:
+        return Decimal(text)
+    except InvalidOperation as error:
+        raise AmountError(f"“{text}” is no amount.", text) from error
 
 
 def parse_line(line: str) -> Entry:
     date, _, rest = line.partition(" ")
     payee, _, amount = rest.rpartition(" ")
     return Entry(date, payee, parse_amount(amount))
`;

export const TEST_DIFF = `diff --git a/tests/test_amounts.py b/tests/test_amounts.py
new file mode 100644
--- /dev/null
+++ b/tests/test_amounts.py
@@ -0,0 +1,14 @@
+import pytest
+
+from ledger.parse import AmountError, parse_amount
+
+
+@pytest.mark.parametrize("text", ["1,234.50", "1.234,50", "1234.5"])
+def test_amounts_are_read_as_people_write_them(text: str) -> None:
+    assert parse_amount(text) == Decimal("1234.50")
+
+
+@pytest.mark.parametrize("text", ["", "x", "1,2,3.4.5"])
+def test_what_is_no_amount_is_refused(text: str) -> None:
+    with pytest.raises(AmountError):
+        parse_amount(text)
`;

export const PATCH =
  DIFF +
  TEST_DIFF +
  `diff --git a/docs/logo.png b/docs/logo.png
Binary files a/docs/logo.png and b/docs/logo.png differ
`;

export const FILES = [
  {
    path: "src/ledger/parse.py",
    status: "modified",
    additions: 12,
    deletions: 2,
    binary: false,
    old_path: null,
  },
  {
    path: "tests/test_amounts.py",
    status: "added",
    additions: 14,
    deletions: 0,
    binary: false,
    old_path: null,
  },
  {
    path: "docs/logo.png",
    status: "modified",
    additions: 0,
    deletions: 0,
    binary: true,
    old_path: null,
  },
];

export const FILE = `<content>
1: """Reading ledgers: one entry a line."""
2: 
3: from dataclasses import dataclass
4: from decimal import Decimal
5: 
6: 
7: @dataclass(frozen=True)
8: class Entry:
9:     date: str
10:     payee: str
11:     amount: Decimal

(End of file - total 11 lines)
</content>`;

export const E = "\u001b[";
export const FAILED_RUN = `${E}1m============================= test session starts ==============================${E}0m
collected 14 items

tests/test_amounts.py ${E}32m..${E}0m${E}31mF${E}0m${E}32m...${E}0m                                                   ${E}31m[ 42%]${E}0m
tests/test_parse.py ${E}32m........${E}0m                                                   ${E}31m[100%]${E}0m

=================================== FAILURES ===================================
${E}31m${E}1m____________ test_amounts_are_read_as_people_write_them[1234.5] _____________${E}0m
${E}1m${E}31mE   NameError: name 'Decimal' is not defined${E}0m
${E}31m========================= ${E}31m${E}1m1 failed${E}0m, ${E}32m13 passed${E}0m${E}31m in 0.31s${E}0m${E}31m =========================${E}0m
`;
export const GOOD_RUN = `collected 14 items

tests/test_amounts.py ${E}32m......${E}0m                                                   ${E}32m[ 42%]${E}0m
tests/test_parse.py ${E}32m........${E}0m                                                   ${E}32m[100%]${E}0m

${E}32m============================== ${E}32m${E}1m14 passed${E}0m${E}32m in 0.22s${E}0m${E}32m ==============================${E}0m
`;
