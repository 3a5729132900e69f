/** Out of a terminal or the sandbox's browser, which keep all other keys, to where people write. */
export function leaveToComposer(): void {
  const composer = document.querySelector<HTMLElement>("[data-testid=composer]");
  if (composer?.offsetParent) composer.focus();
  else document.querySelector<HTMLElement>("[role=tab][aria-selected=true]")?.focus();
}
