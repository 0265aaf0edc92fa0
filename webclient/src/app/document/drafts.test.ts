import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Draft, NoteKind } from "../../sdk";
import { keepText, keepUnsent, keptText } from "./drafts";

const draft = (kind: NoteKind, state: Draft["state"], content: string): Draft => ({
  key: content,
  kind,
  user_id: "me",
  position: { line: 0, column: 0 },
  content,
  timestamp: "2026-01-01T00:00:00Z",
  state,
  reason: "",
});

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    getItem: (k: string) => kept.get(k) ?? null,
    setItem: (k: string, v: string) => void kept.set(k, v),
    removeItem: (k: string) => void kept.delete(k),
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

it("keeps what was not stored, before what was begun, and not what is on its way", () => {
  keepText("d", "Comment", "begun");
  keepUnsent("d", [
    draft("Comment", "sending", "on its way"),
    draft("Comment", "refused", "refused"),
    draft("Annotation", "waiting", "margin"),
    draft("Comment", "waiting", "later"),
  ]);
  expect(keptText("d", "Comment")).toBe("refused\n\nlater\n\nbegun");
  expect(keptText("d", "Annotation")).toBe("margin");
  expect(keptText("other", "Comment")).toBe("");
  keepText("d", "Comment", "");
  expect(keptText("d", "Comment")).toBe("");
});
