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
  private readonly list: Note[] = [];
  private readonly keys = new Set<string>();
  /** How many of the list the server has told since the join. */
  private told = 0;
  private shown: readonly Note[] | undefined;

  /** Replaced, never changed. */
  get all(): readonly Note[] {
    this.shown ??= [...this.list];
    return this.shown;
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
    if (known) {
      const at = this.list.findIndex((n) => n.key === note.key);
      // Told twice since the join: it was sent again because its confirmation was lost.
      if (at < this.told) return false;
      this.list.splice(at, 1);
    }
    this.list.splice(this.told, 0, note);
    this.keys.add(note.key);
    this.told++;
    this.shown = undefined;
    return !known;
  }
}
