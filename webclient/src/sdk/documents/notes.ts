import type { ServerMessages } from "../documents.gen";
import type { TextPosition } from "./protocol";

/** What stays when everyone has gone: an annotation stands in the margin, a comment in the thread. */
export type NoteKind = "Annotation" | "Comment";

/** A note as it is stored. */
export interface Note {
  /** The same note has the same key on every page and after every reload. */
  readonly key: string;
  readonly kind: NoteKind;
  readonly user_id: string;
  readonly position: TextPosition;
  readonly content: string;
  /** When it was written, by its author's clock (RFC 3339). */
  readonly timestamp: string;
}

export function noteOf(kind: NoteKind, written: ServerMessages[NoteKind]): Note {
  const { user_id, position, content, timestamp } = written;
  const key = JSON.stringify([user_id, kind, timestamp, position.line, position.column, content]);
  return { key, kind, user_id, position, content, timestamp };
}

/**
 * The stored notes in the server's order, which is one for all. After every join the server tells all of them again;
 * what is known already is recognised, what was missed goes where the server has it. Pure.
 */
export class Notes {
  private list: Note[] = [];
  private readonly keys = new Set<string>();
  /** How many of the list the server has told since the join. */
  private told = 0;

  get all(): readonly Note[] {
    return this.list;
  }

  /** A join: the server begins anew. */
  replay(): void {
    this.told = 0;
  }

  /** Takes a note; false when it is known. */
  arrived(note: Note): boolean {
    if (this.list[this.told]?.key === note.key) {
      this.told++;
      return false;
    }
    const known = this.keys.has(note.key);
    const at = known ? this.list.findIndex((n) => n.key === note.key) : -1;
    // Told twice since the join: it was sent again because its confirmation was lost.
    if (known && at < this.told) return false;
    const next = this.list.filter((_, i) => i !== at);
    next.splice(this.told, 0, note);
    this.list = next;
    this.keys.add(note.key);
    this.told++;
    return !known;
  }
}
