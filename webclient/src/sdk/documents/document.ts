import { wsURL } from "../api";
import { Backoff } from "../backoff";
import type { SocketFactory } from "../connection";
import type { ClientMessages, ErrorPayload } from "../documents.gen";
import { Emitter } from "../emitter";
import { OfficeError, type Problem } from "../problem";
import { readToken } from "../token";
import type { ConnectionState } from "../types";
import { DocumentLink } from "./link";
import { type DocumentMember, DocumentMembers } from "./members";
import { type Note, type NoteKind, Notes, noteOf } from "./notes";
import { type Draft, MAX_DRAFTS, Outbox } from "./outbox";
import { type DocumentMessage, encode, MAX_NOTE_BYTES, type TextPosition, type TextRange } from "./protocol";
import { Telling } from "./telling";

/** So long without a note after a join: the stored ones have been told. */
const SETTLE_MS = 400;
/** A note that is not confirmed within this time is given back to its author. */
const CONFIRM_MS = 15_000;

export interface SharedDocumentOptions {
  /** Base address of the server; default: the page's own origin. */
  url?: string;
  documentId: string;
  /** Who one is: the token's `sub`. */
  userId: string;
  /** The token to connect with; asked for at each try. */
  token(): string | Promise<string>;
  /** Only for tests. */
  socket?: SocketFactory;
  backoff?: Backoff;
  joins?: Backoff;
}

export interface SharedDocumentEvents {
  /** The connection's state changed. `reason` is in plain words, empty when all is well. */
  state: { state: ConnectionState; reason: string };
  /** Somebody came, went, moved, selected, typed, or changed their status. */
  members: ReadonlyMap<string, DocumentMember>;
  /** Notes came. `fresh` are those that were written just now, not told after a join. */
  notes: { fresh: readonly Note[] };
  /** One's own notes that are not stored yet changed. */
  drafts: readonly Draft[];
  problem: Problem;
}

/** How many bytes of UTF-8 a text has: what a note's limit counts. */
export function noteBytes(content: string): number {
  return new TextEncoder().encode(content).length;
}

/**
 * A document that several people have open: who they are, where they are in it, and what they have noted. It has a
 * connection of its own, since an error does not say which document it is about.
 */
export class SharedDocument extends Emitter<SharedDocumentEvents> {
  readonly documentId: string;
  readonly userId: string;
  state: ConnectionState = "connecting";
  reason = "";

  private readonly link: DocumentLink;
  private readonly people: DocumentMembers;
  private readonly stored = new Notes();
  private readonly outbox: Outbox;
  private readonly telling: Telling;
  /** The stored notes have been told since the last join. */
  private settled = false;
  private settling: ReturnType<typeof setTimeout> | undefined;
  private confirming: ReturnType<typeof setTimeout> | undefined;
  private rejoining: ReturnType<typeof setTimeout> | undefined;
  private readonly joins: Backoff;

  constructor(options: SharedDocumentOptions) {
    super();
    this.joins = options.joins ?? new Backoff(1000, 10_000);
    this.documentId = options.documentId;
    this.userId = options.userId;
    this.people = new DocumentMembers(options.userId);
    this.outbox = new Outbox(options.documentId, options.userId);
    this.link = new DocumentLink({ ...options, url: wsURL(options.url, "/documents") });
    this.telling = new Telling({
      send: (tag, payload) => {
        const message = { ...this.about, ...payload, timestamp: new Date().toISOString() };
        const frame = encode(tag, message as unknown as ClientMessages[typeof tag]);
        return this.link.send(frame, tag === "CursorUpdate" || tag === "SelectionUpdate");
      },
    });
    this.link.on("open", () => this.join());
    this.link.on("message", (m) => this.message(m));
    this.link.on("lost", (problem) => this.lost(problem));
  }

  /** The others who have it open, by user_id. */
  get members(): ReadonlyMap<string, DocumentMember> {
    return this.people.all;
  }

  /** The stored notes, in the order that is everybody's. */
  get notes(): readonly Note[] {
    return this.stored.all;
  }

  /** One's own notes that are not stored yet. */
  get drafts(): readonly Draft[] {
    return this.outbox.all;
  }

  /** What one says of oneself: `online`, `away`, `busy`, or up to 32 characters of one's own. */
  get status(): string {
    return this.telling.status;
  }

  /** Connects and joins, and does so again after each loss. */
  open(): void {
    this.link.open();
  }

  /** Where one's cursor is and what one has selected. Told at most 20 times a second, the latest wins. */
  move(cursor: TextPosition, selection?: TextRange): void {
    this.telling.move(cursor, selection);
  }

  /** At each key in a note (true), and when it is sent or put away (false). */
  typing(on: boolean): void {
    if (on) this.telling.typed();
    else this.telling.stopped();
  }

  setStatus(status: string): void {
    this.telling.setStatus(status);
  }

  /**
   * Leaves a note at a place. It stands in {@link drafts} until the server has stored it, through lost connections
   * too. Throws {@link OfficeError} where it cannot be taken as it is.
   */
  note(kind: NoteKind, position: TextPosition, content: string): Draft {
    const bytes = noteBytes(content);
    if (content.trim() === "") throw new OfficeError(unfit("There is nothing written yet."));
    if (bytes > MAX_NOTE_BYTES)
      throw new OfficeError(unfit(`This is ${bytes - MAX_NOTE_BYTES} bytes too long; a note has at most 8 KiB.`));
    if (this.outbox.all.length >= MAX_DRAFTS)
      throw new OfficeError(unfit("Too many notes wait to be stored. Wait until the connection is back."));
    const draft = this.outbox.add(kind, position, content, Date.now());
    this.emit("drafts", this.outbox.all);
    this.pump();
    return draft;
  }

  /** Tries a refused note again. */
  again(key: string): void {
    this.outbox.again(key);
    this.emit("drafts", this.outbox.all);
    this.pump();
  }

  /** Gives a note up that is not on its way. */
  discard(key: string): void {
    this.outbox.discard(key);
    this.emit("drafts", this.outbox.all);
  }

  /** Leaves for good. Gives the notes that are not stored, so that their text need not be lost. */
  close(): readonly Draft[] {
    if (this.state === "connected") this.link.send(encode("LeaveDocument", this.about));
    this.stop("");
    return this.outbox.all;
  }

  private get about() {
    return { document_id: this.documentId, user_id: this.userId };
  }

  private join(): void {
    this.people.clear();
    this.joins.reset();
    this.ask();
    this.enter("connected", "");
    this.emit("members", this.people.all);
  }

  /** Who asks to join twice is told everything again, and nobody else sees anything. */
  private ask(): void {
    this.stored.replay();
    this.link.send(encode("JoinDocument", this.about));
    this.telling.all();
    this.settled = false;
    this.settle();
  }

  /** What was on its way when the connection was lost is sent again only when it is not among the stored ones. */
  private settle(): void {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.settled = true;
      this.pump();
    }, SETTLE_MS);
  }

  private message(m: DocumentMessage): void {
    if (m.tag === "Error") this.refused(m.payload);
    else if (m.payload.document_id !== this.documentId) return;
    else if (m.tag === "Annotation" || m.tag === "Comment") this.arrived(noteOf(m.tag, m.payload));
    else if (this.people.apply(m)) this.emit("members", this.people.all);
  }

  private arrived(note: Note): void {
    const fresh = this.settled;
    if (!fresh) this.settle();
    const news = this.stored.arrived(note);
    if (this.outbox.confirm(note.key)) {
      clearTimeout(this.confirming);
      this.emit("drafts", this.outbox.all);
      this.pump();
    }
    if (news) this.emit("notes", { fresh: fresh ? [note] : [] });
  }

  private pump(): void {
    if (!this.settled || this.state !== "connected") return;
    const draft = this.outbox.next();
    if (!draft) return;
    const { kind, position, content, timestamp } = draft;
    this.link.send(encode(kind, { ...this.about, position, content, timestamp }));
    this.emit("drafts", this.outbox.all);
    if (!this.link.acknowledges) {
      this.arrived(draft); // this server tells only of refusals
      return;
    }
    clearTimeout(this.confirming);
    this.confirming = setTimeout(() => this.giveBack("The server has not said that it is stored."), CONFIRM_MS);
  }

  private giveBack(reason: string): boolean {
    clearTimeout(this.confirming);
    if (!this.outbox.refuse(reason)) return false;
    this.emit("drafts", this.outbox.all);
    this.pump();
    return true;
  }

  private refused(e: ErrorPayload): void {
    if (e.code === "AUTH_ERROR") {
      // An expired token: the server closes, and the next try has a fresh one.
      if ((readToken(this.link.token).expires ?? Number.POSITIVE_INFINITY) <= Date.now()) return;
      this.fail({ code: "document-refused", message: "You may not open this document.", fatal: true });
      return;
    }
    if (e.code === "CONNECTION_ERROR") this.unreached(e);
    else if (!this.giveBack(inWords(e))) console.warn(`atrium: the document server said ${e.code}: ${e.message}`);
  }

  /** The store, or the other nodes, are out of reach; only the words say whether a note is refused or waits for them. */
  private unreached(e: ErrorPayload): void {
    if (e.message.includes("not stored") && this.giveBack(inWords(e))) return;
    this.emit("problem", { code: "document-unreached", message: inWords(e), fatal: false });
    clearTimeout(this.confirming); // the server says that it takes long
    if (this.settled) return;
    // Perhaps nothing came of the join.
    clearTimeout(this.settling);
    clearTimeout(this.rejoining);
    this.rejoining = setTimeout(() => this.ask(), this.joins.next());
  }

  private lost(problem: Problem): void {
    this.rest();
    this.settled = false;
    this.outbox.lost();
    if (problem.fatal) {
      this.fail(problem);
      return;
    }
    this.enter(this.state === "connecting" ? "connecting" : "reconnecting", problem.message);
    this.emit("drafts", this.outbox.all);
  }

  private fail(problem: Problem): void {
    this.stop(problem.message);
    this.emit("problem", problem);
  }

  private rest(): void {
    for (const timer of [this.settling, this.confirming, this.rejoining]) clearTimeout(timer);
  }

  private stop(reason: string): void {
    this.rest();
    this.telling.close();
    this.link.close();
    if (this.state !== "closed") this.enter("closed", reason);
  }

  private enter(state: ConnectionState, reason: string): void {
    this.state = state;
    this.reason = reason;
    this.emit("state", { state, reason });
  }
}

function unfit(message: string): Problem {
  return { code: "request-refused", message, fatal: false };
}

/** What the server says, as a sentence of its own. */
function inWords(e: ErrorPayload): string {
  const text = e.message.charAt(0).toUpperCase() + e.message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
