import { type Note, type NoteKind, noteOf } from "./notes";
import type { TextPosition } from "./protocol";

/** A note of one's own on its way. Replaced, never changed. */
export interface Draft extends Note {
  /** `waiting` to be sent, `sending` until the server has stored it, `refused` with a reason. */
  readonly state: "waiting" | "sending" | "refused";
  /** Why it was refused, in plain words; empty otherwise. */
  readonly reason: string;
}

/** More unsent notes than this are not taken. */
export const MAX_DRAFTS = 50;

/**
 * One's own notes until the server has confirmed them. One is on its way at a time: a refusal does not say which
 * message it is about, so there must be only one that it can be. Pure.
 */
export class Outbox {
  private drafts: readonly Draft[] = [];
  private readonly document: string;
  private readonly user: string;
  private stamp = 0;

  constructor(document: string, user: string) {
    this.document = document;
    this.user = user;
  }

  get all(): readonly Draft[] {
    return this.drafts;
  }

  get onItsWay(): Draft | undefined {
    return this.drafts.find((d) => d.state === "sending");
  }

  add(kind: NoteKind, position: TextPosition, content: string, now: number): Draft {
    // Two notes never carry the same time: it tells them apart when they come back.
    this.stamp = Math.max(now, this.stamp + 1);
    const timestamp = new Date(this.stamp).toISOString();
    const note = noteOf(kind, { document_id: this.document, user_id: this.user, position, content, timestamp });
    const draft: Draft = { ...note, state: "waiting", reason: "" };
    this.drafts = [...this.drafts, draft];
    return draft;
  }

  /** The next to send, now on its way; undefined while another is, or when there is none. */
  next(): Draft | undefined {
    if (this.onItsWay) return undefined;
    const draft = this.drafts.find((d) => d.state === "waiting");
    return draft && this.put(draft.key, { state: "sending" });
  }

  /** The server has stored it. */
  confirm(key: string): boolean {
    const left = this.drafts.filter((d) => d.key !== key);
    const found = left.length < this.drafts.length;
    this.drafts = left;
    return found;
  }

  /** What is on its way was refused; false when nothing is. */
  refuse(reason: string): boolean {
    const draft = this.onItsWay;
    if (draft) this.put(draft.key, { state: "refused", reason });
    return draft !== undefined;
  }

  /** The connection is gone: whether what was on its way arrived, the next snapshot tells. */
  lost(): void {
    const draft = this.onItsWay;
    if (draft) this.put(draft.key, { state: "waiting" });
  }

  again(key: string): void {
    const draft = this.drafts.find((d) => d.key === key);
    if (draft?.state === "refused") this.put(key, { state: "waiting", reason: "" });
  }

  discard(key: string): void {
    this.drafts = this.drafts.filter((d) => d.key !== key || d.state === "sending");
  }

  private put(key: string, change: Partial<Draft>): Draft | undefined {
    this.drafts = this.drafts.map((d) => (d.key === key ? { ...d, ...change } : d));
    return this.drafts.find((d) => d.key === key);
  }
}
