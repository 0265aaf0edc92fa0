import type { ClientMessages } from "../documents.gen";
import { compare, type TextPosition, type TextRange } from "./protocol";

/** Cursor and selection are told at most this often (20 Hz). */
const MOVE_MS = 50;
/** The server lets a typing indicator end after 6 s: it is renewed before. */
const RENEW_MS = 3000;
/** So long after the last key one is no longer typing. */
const IDLE_MS = 4000;

type Told = "PresenceUpdate" | "CursorUpdate" | "SelectionUpdate" | "TypingIndicator" | "PresenceStatus";
type Payload<T extends Told> = Omit<ClientMessages[T], "document_id" | "user_id" | "timestamp">;

export interface TellingOptions {
  /** False: it could not be sent now. Everything is told after the next join anyway. */
  send<T extends Told>(tag: T, payload: Payload<T>): boolean;
}

/** What the others are told of oneself: the latest of each, no more often than they can use it. */
export class Telling {
  private readonly o: TellingOptions;
  private cursor: TextPosition = { line: 0, column: 0 };
  private selection: TextRange = { start: this.cursor, end: this.cursor };
  private moved = false;
  private selected = false;
  private isTyping = false;
  private toldTyping = 0;
  private words = "online";
  private pause: ReturnType<typeof setTimeout> | undefined;
  private idle: ReturnType<typeof setTimeout> | undefined;

  constructor(options: TellingOptions) {
    this.o = options;
  }

  get status(): string {
    return this.words;
  }

  get typing(): boolean {
    return this.isTyping;
  }

  /** After a join: all of it, where it is not what everyone starts with. */
  all(): void {
    clearTimeout(this.pause);
    this.pause = undefined;
    this.moved = false;
    this.selected = false;
    this.toldTyping = Date.now();
    const { cursor, selection, isTyping, words } = this;
    const begun = isTyping || cursor.line > 0 || cursor.column > 0 || !empty(selection);
    if (begun) this.o.send("PresenceUpdate", { cursor, selection, is_typing: isTyping });
    if (words !== "online") this.o.send("PresenceStatus", { status: words });
  }

  move(cursor: TextPosition, selection: TextRange | undefined): void {
    const next = selection ?? { start: cursor, end: cursor };
    if (compare(cursor, this.cursor) !== 0) this.moved = true;
    // An empty selection that only moves along with the cursor is nothing to tell.
    const same = compare(next.start, this.selection.start) === 0 && compare(next.end, this.selection.end) === 0;
    if (!same && !(empty(next) && empty(this.selection))) this.selected = true;
    this.cursor = cursor;
    this.selection = next;
    if (this.pause === undefined) this.tellMoves();
  }

  /** A key was pressed in a note. */
  typed(): void {
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.stopped(), IDLE_MS);
    if (this.isTyping && Date.now() - this.toldTyping < RENEW_MS) return;
    this.isTyping = true;
    this.toldTyping = Date.now();
    this.o.send("TypingIndicator", { is_typing: true });
  }

  /** The note was sent or put away. */
  stopped(): void {
    clearTimeout(this.idle);
    if (!this.isTyping) return;
    this.isTyping = false;
    this.o.send("TypingIndicator", { is_typing: false });
  }

  setStatus(status: string): void {
    if (status === this.words) return;
    this.words = status;
    this.o.send("PresenceStatus", { status });
  }

  close(): void {
    clearTimeout(this.pause);
    clearTimeout(this.idle);
  }

  private tellMoves(): void {
    this.pause = undefined;
    if (!this.moved && !this.selected) return;
    const { cursor, selection } = this;
    if (this.moved && this.selected) this.o.send("PresenceUpdate", { cursor, selection, is_typing: this.isTyping });
    else if (this.moved) this.o.send("CursorUpdate", { position: cursor });
    else this.o.send("SelectionUpdate", { selection });
    this.moved = false;
    this.selected = false;
    this.pause = setTimeout(() => this.tellMoves(), MOVE_MS);
  }
}

function empty(range: TextRange): boolean {
  return compare(range.start, range.end) === 0;
}
