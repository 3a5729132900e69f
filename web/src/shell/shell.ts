import { createContext, useContext } from "react";

/** What every part of the page may open. */
export interface Shell {
  openPalette: () => void;
  openShortcuts: () => void;
  openSidebar: () => void;
}

export const ShellContext = createContext<Shell>({
  openPalette: () => {},
  openShortcuts: () => {},
  openSidebar: () => {},
});

export const useShell = () => useContext(ShellContext);
