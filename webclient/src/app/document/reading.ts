import {
  type ConnectionState,
  type DocumentMember,
  type Draft,
  documentText,
  type Note,
  type NoteKind,
  type Office,
  OfficeError,
  SharedDocument,
  type TextPosition,
} from "../../sdk";
import { avatarColor, initials, inkOn } from "../map/palette";
import { AutoAway } from "./away";
import { Colors, steadyColor } from "./colors";
import { keepUnsent } from "./drafts";
import { type Names, neutralName } from "./names";

/** Someone as the panel shows them. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly initials: string;
  readonly color: string;
  /** What reads well on the colour. */
  readonly ink: string;
  readonly self: boolean;
}

export interface ReadingOptions {
  office: Office;
  worldId: string;
  documentId: string;
  names: Names;
}

/** What the panel shows. Replaced, never changed. */
export interface ReadingState {
  /** Undefined until it has come. */
  readonly text: string | undefined;
  /** Why there is no text, or no document at all, in plain words; empty otherwise. */
  readonly failed: string;
  readonly connection: ConnectionState;
  /** Who else is here, and what they do, without where they are. */
  readonly members: readonly DocumentMember[];
  readonly notes: readonly Note[];
  readonly drafts: readonly Draft[];
  readonly status: string;
  /** A problem that the reading survives; empty: none. */
  readonly problem: string;
  /** What is told to who does not look: the latest news. */
  readonly news: string;
}

/** Many notes come at once after a join: they are shown together. */
const GATHER_MS = 30;
/** Who is told of within this time of joining was there before: that is no news. */
const SNAPSHOT_MS = 1000;
/** A problem that passed is shown for so long. */
const PASSING_MS = 8000;

/** One's reading of a document, from opening the panel to closing it: its text, who else is there, and the notes. */
export class Reading {
  readonly shared: SharedDocument;
  private readonly o: ReadingOptions;
  private readonly self: string;
  private readonly colors = new Colors();
  private readonly away: AutoAway;
  private readonly listeners = new Set<() => void>();
  private readonly undo: (() => void)[] = [];
  private gathering: ReturnType<typeof setTimeout> | undefined;
  private passing: ReturnType<typeof setTimeout> | undefined;
  private news: string[] = [];
  private joined = 0;
  private closed = false;
  private current: ReadingState;

  constructor(options: ReadingOptions) {
    this.o = options;
    const { office, documentId, names } = options;
    this.self = office.self?.user.user_id ?? "";
    this.shared = new SharedDocument({ documentId, userId: this.self, token: () => office.token });
    this.away = new AutoAway({
      hidden: () => document.visibilityState === "hidden",
      status: () => this.shared.status,
      tell: (status) => this.setStatus(status),
    });
    this.current = {
      text: undefined,
      failed: "",
      connection: "connecting",
      members: [],
      notes: [],
      drafts: [],
      status: this.shared.status,
      problem: "",
      news: "",
    };
    if (office.self) names.learn(office.self.user);
    const seen = () => this.away.look();
    document.addEventListener("visibilitychange", seen);
    this.undo.push(
      () => document.removeEventListener("visibilitychange", seen),
      office.on("world-changed", () => void this.read()),
      // Now there may be a name for an id.
      office.on("peer-joined", () => this.update({})),
      this.shared.on("state", ({ state }) => this.connection(state)),
      this.shared.on("members", () => this.members()),
      this.shared.on("notes", ({ fresh }) => this.notes(fresh)),
      this.shared.on("drafts", (drafts) => this.update({ drafts })),
      this.shared.on("problem", (p) => {
        if (p.fatal) this.update({ failed: p.message });
        else this.warn(p.message);
      }),
    );
  }

  get state(): ReadingState {
    return this.current;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  open(): void {
    this.shared.open();
    this.away.look();
    void this.read();
  }

  /** Leaves the document. What is not stored is kept for the next time it is opened. */
  close(): void {
    this.closed = true;
    clearTimeout(this.gathering);
    clearTimeout(this.passing);
    for (const undo of this.undo) undo();
    this.away.close();
    keepUnsent(this.o.documentId, this.shared.close());
  }

  /** Asks for the text again after it failed. */
  async read(): Promise<void> {
    const { office, worldId, documentId } = this.o;
    try {
      const { text } = await documentText(worldId, documentId, { token: office.token });
      if (text !== this.current.text || this.current.failed) this.update({ text, failed: "" });
    } catch (error) {
      // The text that one has is better than none.
      if (this.current.text === undefined)
        this.update({ failed: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Leaves a note; gives what is wrong with it in plain words, or nothing. */
  write(kind: NoteKind, position: TextPosition, content: string): string {
    try {
      this.shared.note(kind, position, content);
      this.shared.typing(false);
      return "";
    } catch (error) {
      if (error instanceof OfficeError) return error.message;
      throw error;
    }
  }

  setStatus(status: string): void {
    this.shared.setStatus(status);
    this.update({ status });
  }

  person(userId: string): Person {
    const { office, names } = this.o;
    const self = userId === this.self;
    const user = self ? office.self?.user : office.peers.get(userId)?.user;
    const known = user ? { name: user.display_name, avatarId: user.avatar_id } : names.of(userId);
    const name = known?.name ?? neutralName(userId);
    const here = self || this.shared.members.has(userId);
    const wish = known ? avatarColor(known.avatarId) : undefined;
    const color = here ? this.colors.of(userId, wish) : (wish ?? steadyColor(userId));
    const letters = known ? initials(name) : userId.slice(0, 2).toUpperCase();
    return { id: userId, name, initials: letters, color, ink: inkOn(color), self };
  }

  private connection(connection: ConnectionState): void {
    const again = connection === "connected" && this.current.connection === "reconnecting";
    if (connection === "connected") this.joined = performance.now();
    this.update({ connection });
    // The world may have been drawn anew while the server was away.
    if (again) void this.read();
  }

  private members(): void {
    const members = [...this.shared.members.values()];
    const before = this.current.members;
    const ids = new Set(members.map((m) => m.user_id));
    this.colors.keep(new Set([...ids, this.self]));
    const same =
      members.length === before.length &&
      members.every((m, i) => {
        const b = before[i];
        return b?.user_id === m.user_id && b.status === m.status && b.typing === m.typing;
      });
    if (same) return;
    if (performance.now() - this.joined > SNAPSHOT_MS) {
      const were = new Set(before.map((m) => m.user_id));
      for (const id of ids) if (!were.has(id)) this.news.push(`${this.person(id).name} opened this document`);
      for (const id of were) if (!ids.has(id)) this.news.push(`${this.person(id).name} closed this document`);
    }
    this.update({ members });
    this.gather();
  }

  private notes(fresh: readonly Note[]): void {
    for (const note of fresh) {
      if (note.user_id === this.self) continue;
      const where = `at line ${note.position.line + 1}`;
      const did = note.kind === "Annotation" ? `annotated ${where}` : "commented";
      this.news.push(`${this.person(note.user_id).name} ${did}: ${note.content}`);
    }
    this.gather();
  }

  private gather(): void {
    if (this.gathering !== undefined) return;
    this.gathering = setTimeout(() => {
      this.gathering = undefined;
      const news = this.news.slice(-3).join(". ");
      this.news = [];
      this.update({ notes: this.shared.notes, ...(news ? { news } : {}) });
    }, GATHER_MS);
  }

  private warn(problem: string): void {
    clearTimeout(this.passing);
    this.update({ problem });
    this.passing = setTimeout(() => this.update({ problem: "" }), PASSING_MS);
  }

  private update(change: Partial<ReadingState>): void {
    if (this.closed) return;
    this.current = { ...this.current, ...change };
    for (const listener of [...this.listeners]) listener();
  }
}
