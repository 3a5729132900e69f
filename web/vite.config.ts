import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const HUB = process.env.BUNKHOUSE_URL ?? "http://127.0.0.1:8787";

export default defineConfig(async ({ mode }) => ({
  plugins: [
    react(),
    tailwindcss(),
    // A hub made of a recorded session, to work on the page without one. Never part of a build.
    ...(mode === "replay" ? [(await import("./dev/replay-hub.ts")).replayHub()] : []),
  ],
  resolve: { alias: { "@": `${import.meta.dirname}/src` } },
  server: {
    host: "127.0.0.1",
    port: 5173,
    proxy:
      mode === "replay"
        ? undefined
        : {
            "/api": { target: HUB, ws: true },
            "/invite": HUB,
            "/login": HUB,
            "/setup": HUB,
            "/sign-in": HUB,
          },
  },
  preview: {
    // As the hub sends it, so that what it forbids is noticed here too.
    headers: {
      "Content-Security-Policy":
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
        "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; frame-src 'self' http://*.localhost:*; base-uri 'none'",
    },
  },
  build: {
    outDir: "../packages/hub/src/bunkhouse/_client",
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
  },
}));
