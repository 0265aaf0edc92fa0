import { expect, it } from "vitest";
import type { Note, NoteKind } from "../../sdk";
import { marksOf } from "./marks";

const note = (kind: NoteKind, line: number, user_id: string, content: string): Note => ({
  key: `${line}${user_id}${content}`,
  kind,
  user_id,
  position: { line, column: 3 },
  content,
  timestamp: "2026-01-01T00:00:00Z",
});
const person = (id: string) => ({ id, name: id, initials: id, color: `of ${id}`, ink: "#fff", self: false });

it("makes one mark for each annotated line, of whoever wrote there last", () => {
  const marks = marksOf(
    [
      note("Annotation", 4, "Ada", "one"),
      note("Comment", 9, "Ada", "no annotation"),
      note("Annotation", 0, "Grace", "x".repeat(500)),
      note("Annotation", 4, "Grace", "two"),
    ],
    person,
  );
  expect(marks).toMatchObject([
    {
      line: 4,
      count: 2,
      color: "of Grace",
      label: "2 annotations at line 5, the last by Grace",
      preview: "Grace: two",
    },
    { line: 0, count: 1, label: "one annotation at line 1, the last by Grace" },
  ]);
  expect(marks[1]?.preview.length).toBeLessThan(160);
});
