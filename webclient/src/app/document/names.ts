import type { User } from "../../sdk";

/** What one knows of a person whom one has met. */
export interface Known {
  readonly name: string;
  readonly avatarId: string;
}

const KEY = "atrium.names";
/** So many people are remembered; whom one met longest ago is forgotten first. */
const MOST = 300;

/** What to call someone of whom there is only an id: of another zone or node, or long gone. */
export function neutralName(userId: string): string {
  return `Person ${userId.slice(0, 4).toUpperCase()}`;
}

/** The people whom one has met in the office: documents tell only their ids, and their notes stay when they have gone. */
export class Names {
  private readonly storage: Pick<Storage, "getItem" | "setItem"> | undefined;
  private readonly known: Map<string, Known>;

  constructor(storage: Pick<Storage, "getItem" | "setItem"> | undefined) {
    this.storage = storage;
    this.known = new Map(stored(storage));
  }

  of(userId: string): Known | undefined {
    return this.known.get(userId);
  }

  /** False when nothing is new about them. */
  learn(user: Pick<User, "user_id" | "display_name" | "avatar_id">): boolean {
    const before = this.known.get(user.user_id);
    const now = { name: user.display_name, avatarId: user.avatar_id };
    const news = before?.name !== now.name || before.avatarId !== now.avatarId;
    this.known.delete(user.user_id);
    this.known.set(user.user_id, now);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= MOST) break;
      this.known.delete(oldest);
    }
    if (news) this.store();
    return news;
  }

  private store(): void {
    try {
      this.storage?.setItem(KEY, JSON.stringify([...this.known]));
    } catch {
      // Storage may be full or switched off; then they are known until the page is closed.
    }
  }
}

function stored(storage: Pick<Storage, "getItem"> | undefined): [string, Known][] {
  try {
    const value: unknown = JSON.parse(storage?.getItem(KEY) ?? "[]");
    return Array.isArray(value) ? value.filter(isEntry) : [];
  } catch {
    return [];
  }
}

function isEntry(v: unknown): v is [string, Known] {
  if (!Array.isArray(v) || typeof v[0] !== "string" || typeof v[1] !== "object" || v[1] === null) return false;
  const { name, avatarId } = v[1] as Partial<Known>;
  return typeof name === "string" && typeof avatarId === "string";
}
