// Before the first paint, so that the theme does not flash in.
(() => {
  const chosen = localStorage.getItem("bunkhouse.theme");
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme =
    chosen === "light" || chosen === "dark" ? chosen : dark ? "dark" : "light";
})();
