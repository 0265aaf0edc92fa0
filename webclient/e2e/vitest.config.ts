import { defineConfig } from "vitest/config";

// Two cores carry little encoding: one file, one case after the other, in the order in which they are written.
export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: [process.env.ATRIUM_PICTURE ? "e2e/picture.ts" : "e2e/**/*.e2e.ts"],
    environment: "node",
    fileParallelism: false,
    sequence: { concurrent: false, shuffle: false },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["verbose"],
    disableConsoleIntercept: true,
  },
});
