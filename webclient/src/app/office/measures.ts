import type { Role } from "../../sdk";

/** Something that a moderator does about someone. */
export type Measure =
  | { kind: "mute"; label: string; seconds: number }
  | { kind: "unmute"; label: string }
  | { kind: "remove"; label: string; question: string; verb: string }
  | { kind: "kick"; label: string; question: string; verb: string };

/** For how long one is muted, as the menu offers it. */
const MUTES: readonly [string, number][] = [
  ["for 5 minutes", 5 * 60],
  ["for 30 minutes", 30 * 60],
  ["for the day", 12 * 3600],
];

export interface Situation {
  role: Role;
  name: string;
  muted: boolean;
  /** The zone that both are in. */
  zone: string;
  /** It is where people arrive: nobody is sent away from there. */
  arrival: boolean;
  world: string;
}

/** Whether a role moderates at all. */
export const moderates = (role: Role): boolean => role === "admin" || role === "editor";

/** What one's role allows. The server decides again. */
export function measures({ role, name, muted, zone, arrival, world }: Situation): Measure[] {
  if (!moderates(role)) return [];
  const list: Measure[] = MUTES.map(([span, seconds]) => ({ kind: "mute", label: `Mute ${span}`, seconds }));
  if (muted) list.unshift({ kind: "unmute", label: "Lift the mute" });
  if (role !== "admin") return list;
  if (!arrival) {
    list.push({
      kind: "remove",
      label: `Send out of ${zone}…`,
      question: `Send ${name} out of ${zone}? They will stand where people arrive, and cannot come back for a while.`,
      verb: "Send out",
    });
  }
  list.push({
    kind: "kick",
    label: `Remove from ${world}…`,
    question: `Remove ${name} from ${world}? Their visit ends at once, and they cannot come back for a while.`,
    verb: "Remove",
  });
  return list;
}

/** Until when, as people say it; a mute of another day names the day. */
export function untilText(until: number, now = Date.now()): string {
  const at = new Date(until);
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (at.toDateString() === new Date(now).toDateString()) return time;
  return `${at.toLocaleDateString([], { day: "numeric", month: "long" })}, ${time}`;
}
