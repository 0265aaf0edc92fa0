import type { Role, ZoneDescription } from "../../sdk";

/** How long a refused zone counts as a wall, so that a key held down does not ask sixty times a second (ms). */
const SHUT = 2500;
/** How long its door is drawn closed, where nothing but the refusal tells that it is. */
const SHOWN = 10_000;
/** Someone stood in the way: that may be over in a moment. */
const BUMP = 400;

/** Which zones one may not enter, as far as this page knows: by role for good, by refusal for a while. Times in ms. */
export class Doors {
  private readonly role: Role;
  private readonly refused = new Map<string, number>();
  private readonly bumped = new Map<string, number>();

  constructor(role: Role) {
    this.role = role;
  }

  /** Whether the zone admits one at all. */
  admits(zone: ZoneDescription | undefined): boolean {
    return !zone?.roles || zone.roles.includes(this.role);
  }

  /** Whether its doors are drawn closed. */
  closed(zone: ZoneDescription, now: number): boolean {
    return !this.admits(zone) || now - (this.refused.get(zone.zone_id) ?? Number.NEGATIVE_INFINITY) < SHOWN;
  }

  /** Asked a moment ago, with no success: not worth asking again yet. */
  shut(zoneId: string, now: number): boolean {
    return (
      now - (this.refused.get(zoneId) ?? Number.NEGATIVE_INFINITY) < SHUT ||
      now - (this.bumped.get(zoneId) ?? Number.NEGATIVE_INFINITY) < BUMP
    );
  }

  /** The server said no. */
  refuse(zoneId: string, now: number): void {
    this.refused.set(zoneId, now);
  }

  /** The step was none; the door itself is open. */
  bump(zoneId: string, now: number): void {
    this.bumped.set(zoneId, now);
  }

  /** One is in. */
  entered(zoneId: string): void {
    this.refused.delete(zoneId);
    this.bumped.delete(zoneId);
  }
}
