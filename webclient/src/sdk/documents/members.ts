import { compare, type DocumentMessage, type TextPosition, type TextRange } from "./protocol";

/** Another person who has the document open. Replaced, never changed. */
export interface DocumentMember {
  readonly user_id: string;
  readonly cursor: TextPosition;
  /** Undefined: nothing is selected. */
  readonly selection: TextRange | undefined;
  readonly typing: boolean;
  /** `online`, `away`, `busy`, or words of the person's own. */
  readonly status: string;
}

const START: TextPosition = { line: 0, column: 0 };

/** Who else is in the document, in the order in which this page learned of them. Pure. */
export class DocumentMembers {
  private readonly self: string;
  private members = new Map<string, DocumentMember>();

  constructor(self: string) {
    this.self = self;
  }

  get all(): ReadonlyMap<string, DocumentMember> {
    return this.members;
  }

  /** A snapshot follows: who is not in it has left. */
  clear(): boolean {
    const some = this.members.size > 0;
    this.members = new Map();
    return some;
  }

  /** Takes what a message says of someone else; false when it changes nothing. */
  apply(m: DocumentMessage): boolean {
    if (m.tag === "Error" || m.payload.user_id === this.self) return false;
    const id = m.payload.user_id;
    switch (m.tag) {
      case "JoinDocument":
        return this.set(id, {});
      case "LeaveDocument": {
        if (!this.members.has(id)) return false;
        this.members = new Map(this.members);
        return this.members.delete(id);
      }
      case "PresenceUpdate": {
        const { cursor, selection, is_typing } = m.payload;
        return this.set(id, { cursor, selection: solid(selection), typing: is_typing });
      }
      case "CursorUpdate":
        return this.set(id, { cursor: m.payload.position });
      case "SelectionUpdate":
        return this.set(id, { selection: solid(m.payload.selection) });
      case "TypingIndicator":
        return this.set(id, { typing: m.payload.is_typing });
      case "PresenceStatus":
        return this.set(id, { status: m.payload.status });
      default:
        return false;
    }
  }

  private set(id: string, change: Partial<DocumentMember>): boolean {
    const known = this.members.get(id);
    if (known && Object.keys(change).length === 0) return false;
    const before = known ?? { user_id: id, cursor: START, selection: undefined, typing: false, status: "online" };
    this.members = new Map(this.members).set(id, { ...before, ...change });
    return true;
  }
}

function solid(range: TextRange): TextRange | undefined {
  return compare(range.start, range.end) === 0 ? undefined : range;
}
