import type { Note } from "../../sdk";
import type { Mark } from "./margin";
import type { Person } from "./reading";
import { counted } from "./words";

const PREVIEW = 140;

/** The margin's marks for these notes: one for each line that has annotations. */
export function marksOf(notes: readonly Note[], person: (userId: string) => Person): Mark[] {
  const byLine = new Map<number, Note[]>();
  for (const note of notes) {
    if (note.kind !== "Annotation") continue;
    const { line } = note.position;
    const of = byLine.get(line);
    if (of) of.push(note);
    else byLine.set(line, [note]);
  }
  return [...byLine].map(([line, of]) => {
    const last = of.at(-1) as Note;
    const { name, color, ink } = person(last.user_id);
    const preview = last.content.length > PREVIEW ? `${last.content.slice(0, PREVIEW)}…` : last.content;
    const label = `${counted(of.length, "annotation")} at line ${line + 1}, the last by ${name}`;
    return { line, count: of.length, color, ink, label, preview: `${name}: ${preview}` };
  });
}
