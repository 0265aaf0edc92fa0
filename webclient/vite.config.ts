import { defineConfig } from "vite";

// JSX goes through the bundler's own transform (jsxImportSource in tsconfig.json), so no plugin is needed.
export default defineConfig({
  base: "/",
  build: {
    target: "es2022",
    outDir: "dist",
    // dist/.gitkeep must outlive a build: it is what lets `go build` embed the folder on a fresh clone.
    emptyOutDir: false,
    assetsInlineLimit: 0,
    sourcemap: false,
  },
  server: {
    proxy: {
      "/api": "http://127.0.0.1:8080",
      "/signal": { target: "ws://127.0.0.1:8080", ws: true },
      "/documents": { target: "ws://127.0.0.1:8080", ws: true },
      "/sfu": { target: "ws://127.0.0.1:8080", ws: true },
    },
  },
});
