import { beforeEach, expect, it } from "vitest";
import { DocumentMembers } from "./members";
import type { DocumentMessage } from "./protocol";

const timestamp = "2026-01-01T00:00:00Z";
const of = (user_id: string) => ({ document_id: "d", user_id, timestamp });
const at = (line: number, column: number) => ({ line, column });
let members: DocumentMembers;
const apply = (tag: string, payload: object) => members.apply({ tag, payload } as unknown as DocumentMessage);

beforeEach(() => {
  members = new DocumentMembers("self");
});

it("gives who has said nothing yet what everyone starts with", () => {
  expect(apply("JoinDocument", of("ada"))).toBe(true);
  expect(apply("JoinDocument", of("ada"))).toBe(false);
  expect([...members.all.values()]).toEqual([
    { user_id: "ada", cursor: at(0, 0), selection: undefined, typing: false, status: "online" },
  ]);
});

it("keeps the latest of each", () => {
  const selection = { start: at(1, 0), end: at(2, 3) };
  apply("PresenceUpdate", { ...of("ada"), cursor: at(2, 3), selection, is_typing: true });
  apply("PresenceStatus", { ...of("ada"), status: "busy" });
  apply("CursorUpdate", { ...of("ada"), position: at(4, 1) });
  expect(members.all.get("ada")).toEqual({
    user_id: "ada",
    cursor: at(4, 1),
    selection,
    typing: true,
    status: "busy",
  });
  apply("SelectionUpdate", { ...of("ada"), selection: { start: at(4, 1), end: at(4, 1) } });
  apply("TypingIndicator", { ...of("ada"), is_typing: false });
  expect(members.all.get("ada")).toMatchObject({ selection: undefined, typing: false });
});

it("lets people go, and knows nobody before a snapshot", () => {
  apply("JoinDocument", of("ada"));
  apply("JoinDocument", of("grace"));
  const before = members.all;
  expect(apply("LeaveDocument", of("ada"))).toBe(true);
  expect(apply("LeaveDocument", of("ada"))).toBe(false);
  expect([...members.all.keys()]).toEqual(["grace"]);
  expect(before.size).toBe(2);
  members.clear();
  expect(members.all.size).toBe(0);
});

it("does not list oneself, whatever another window of one's own does", () => {
  expect(apply("CursorUpdate", { ...of("self"), position: at(1, 1) })).toBe(false);
  expect(members.all.size).toBe(0);
});
