import { AVATARS } from "../map/palette";

/** Colours of carets, the avatars' first: all of them can be told apart on dark and on light ground. */
export const CARETS: readonly string[] = [...AVATARS.map((a) => a.color), "#e0913a", "#6f86e8", "#c46fd6", "#8f9bb3"];

/** Someone's colour where nobody else's matters. */
export function steadyColor(userId: string): string {
  return CARETS[place(userId)] as string;
}

/**
 * A colour for everyone who is here. It is the colour of the person's avatar, unless someone else has it already; and
 * it stays while they are here.
 */
export class Colors {
  private readonly given = new Map<string, string>();

  /** Who is not here any more gives their colour back. */
  keep(here: ReadonlySet<string>): void {
    for (const id of this.given.keys()) if (!here.has(id)) this.given.delete(id);
  }

  of(userId: string, wish?: string): string {
    const before = this.given.get(userId);
    if (before) return before;
    const color = this.choose(userId, wish);
    this.given.set(userId, color);
    return color;
  }

  private choose(userId: string, wish: string | undefined): string {
    const taken = new Set(this.given.values());
    if (wish && !taken.has(wish)) return wish;
    const first = place(userId);
    const turned = [...CARETS.slice(first), ...CARETS.slice(0, first)];
    return turned.find((c) => !taken.has(c)) ?? wish ?? (turned[0] as string);
  }
}

function place(userId: string): number {
  let hash = 0;
  for (const c of userId) hash = (hash * 31 + (c.codePointAt(0) ?? 0)) >>> 0;
  return hash % CARETS.length;
}
