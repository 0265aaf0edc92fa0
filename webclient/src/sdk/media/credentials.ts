import type { TURNCredentials } from "../protocol";

/** How many are kept: those of the topology in force, and of a change under way. */
const KEPT = 3;

/** The epoch in a TURN username (`expiry:user_id:zone_id:epoch`); undefined for another form. */
export function epochOf(username: string): number | undefined {
  const epoch = Number(username.split(":")[3]);
  return Number.isInteger(epoch) ? epoch : undefined;
}

/**
 * The TURN credentials of the zone. Each carries the epoch of the topology that it was minted for; after a
 * commit only the new epoch's are good, after a roll-back only the old one's. Pure.
 */
export class CredentialStore {
  private kept: TURNCredentials[] = [];

  add(c: TURNCredentials): void {
    this.kept = [c, ...this.kept.filter((k) => epochOf(k.username) !== epochOf(c.username))].slice(0, KEPT);
  }

  clear(): void {
    this.kept = [];
  }

  /** The newest: for the SFU. */
  newest(): RTCIceServer[] {
    return servers(this.kept[0]);
  }

  /** For peers, in a zone whose topology is of this epoch (undefined: not told yet). Older ones are good for nothing. */
  forEpoch(epoch: number | undefined): RTCIceServer[] {
    if (epoch === undefined) return this.newest();
    const exact = this.kept.find((k) => epochOf(k.username) === epoch);
    const newest = this.kept[0];
    const later = newest && (epochOf(newest.username) ?? Number.POSITIVE_INFINITY) > epoch ? newest : undefined;
    return servers(exact ?? later);
  }
}

function servers(c: TURNCredentials | undefined): RTCIceServer[] {
  return c ? [{ urls: [...c.urls], username: c.username, credential: c.credential }] : [];
}
