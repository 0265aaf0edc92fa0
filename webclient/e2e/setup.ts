import { afterEach } from "vitest";
import { keepEvidence } from "./evidence";

// What failed without waiting for anything.
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await keepEvidence(task.result.errors?.at(-1)?.message ?? "no reason");
});
