import { expect, it } from "vitest";
import { Notes, noteOf } from "./notes";

const note = (n: number) =>
  noteOf("Comment", {
    document_id: "d",
    user_id: "u",
    position: { line: 0, column: 0 },
    content: `note ${n}`,
    timestamp: `2026-01-01T00:00:0${n}Z`,
  });
const told = (notes: Notes) => notes.all.map((n) => n.content.slice(5)).join("");

it("keeps the server's order, and takes nothing twice when all is told again", () => {
  const notes = new Notes();
  expect([1, 2, 3].map((n) => notes.arrived(note(n)))).toEqual([true, true, true]);
  notes.replay();
  // 3 of these were missed while the connection was away.
  expect([1, 2, 3, 4, 5, 6].map((n) => notes.arrived(note(n)))).toEqual([false, false, false, true, true, true]);
  expect(told(notes)).toBe("123456");
});

it("moves what it had placed itself to where the server has it", () => {
  const notes = new Notes();
  for (const n of [1, 2, 9]) notes.arrived(note(n));
  notes.replay();
  for (const n of [1, 9, 3, 2]) notes.arrived(note(n));
  expect(told(notes)).toBe("1932");
});

it("shows a note once that was stored twice because its confirmation was lost", () => {
  const notes = new Notes();
  for (const n of [1, 2, 1, 3]) notes.arrived(note(n));
  expect(told(notes)).toBe("123");
  notes.replay();
  for (const n of [1, 2, 1, 3]) notes.arrived(note(n));
  expect(told(notes)).toBe("123");
});
