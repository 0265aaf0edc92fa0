import { defineConfig } from "vitest/config";
import LastLines from "./reporter.ts";

// Two cores carry little encoding: one file, one case after the other, in the order in which they are written.
export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: [process.env.ATRIUM_PICTURE ? "e2e/picture.ts" : "e2e/**/*.e2e.ts"],
    environment: "node",
    fileParallelism: false,
    sequence: { concurrent: false, shuffle: false },
    // What is waited for has its own deadline, which says what it was.
    testTimeout: 240_000,
    hookTimeout: 120_000,
    setupFiles: ["e2e/setup.ts"],
    // A browser may be starved until it gives something up for good, its sound say. That is told in the last lines.
    retry: 1,
    reporters: ["verbose", ...(process.env.ATRIUM_E2E_LINES ? [new LastLines(process.env.ATRIUM_E2E_LINES)] : [])],
    disableConsoleIntercept: true,
  },
});
