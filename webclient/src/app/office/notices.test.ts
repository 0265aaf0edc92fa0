import { describe, expect, it } from "vitest";
import type { Problem, ProblemCode } from "../../sdk";
import { farewellOf, noticeOf } from "./notices";

const remedies = { setMic: async () => {}, setCamera: async () => {}, hear: async () => {} };
const problem = (code: ProblemCode, more: Partial<Problem> = {}): Problem => ({
  code,
  message: "What happened, in words.",
  fatal: false,
  ...more,
});

describe("noticeOf", () => {
  it("keeps one notice per device and offers to try again", () => {
    const tried: string[] = [];
    const spy = { ...remedies, setCamera: async (on: boolean) => void tried.push(`camera ${on}`) };
    const denied = noticeOf(problem("permission-denied", { source: "camera" }), spy);
    const missing = noticeOf(problem("device-missing", { source: "camera" }), spy);
    expect(denied?.key).toBe(missing?.key);
    expect(denied?.title).toContain("camera");
    denied?.action?.run();
    expect(tried).toEqual(["camera true"]);
  });

  it("cannot press the browser's own button for screen sharing", () => {
    expect(noticeOf(problem("permission-denied", { source: "screen" }), remedies)?.action).toBeUndefined();
  });

  it("leaves to others what is told elsewhere", () => {
    expect(noticeOf(problem("connection-lost"), remedies)).toBeUndefined();
    expect(noticeOf(problem("request-refused"), remedies)).toBeUndefined();
  });
});

describe("farewellOf", () => {
  it("always has words and a way on", () => {
    const codes: ProblemCode[] = ["replaced", "kicked", "signed-out", "version", "flooding", "world-closed"];
    for (const code of codes) {
      const farewell = farewellOf(problem(code, { fatal: true }));
      expect(farewell.title).not.toBe("");
      expect(farewell.label).not.toBe("");
      expect(farewell.text).toBe("What happened, in words.");
    }
  });
});
