/** What the switcher is told and what it decides: events in, actions out. `plane.ts` carries the actions out. */
import type { MediaTopology, Source, TopologyReason, Way } from "../types";
import type { Slotted } from "./slots";

export type SwitchEvent =
  | { type: "entered"; zone: string; media: MediaTopology; peers: readonly string[]; resumed: boolean }
  | { type: "left" }
  | { type: "peer-joined"; user: string }
  | { type: "peer-left"; user: string }
  | { type: "promote"; zone: string; url: string; token: string }
  | { type: "topology"; zone: string; media: MediaTopology; epoch: number; reason: TopologyReason }
  /** A peer's offer came in. */
  | { type: "offered"; user: string }
  | { type: "link-up"; user: string }
  | { type: "link-lost"; user: string }
  | { type: SessionEvent }
  /** Who is in the slots now, by user. */
  | { type: "slots"; slots: readonly Slotted[] }
  /** A source has (or no longer has) arrived so far that it can be played without a gap. */
  | { type: "flow"; user: string; source: Source; way: Way; delivered: boolean }
  | { type: "timer"; name: string };

/** What happens to the session with the SFU. */
export type SessionEvent =
  /** A connection to the SFU is being built anew. */
  | "sfu-fresh"
  | "sfu-up"
  /** A packet arrived in every slot that SLOTS calls active. */
  | "sfu-delivers"
  /** The link is gone and only a fresh token can bring it back; media may still flow. */
  | "sfu-needs-token"
  /** Link and media are gone. */
  | "sfu-lost"
  /** The SFU ended the session because the zone left the SFU. */
  | "sfu-released";

export type SwitchAction =
  | { do: "open"; user: string }
  | { do: "accept"; user: string }
  | { do: "close"; user: string }
  | { do: "dial"; url: string; token: string }
  | { do: "hang-up" }
  | { do: "report-connected"; zone: string }
  | { do: "report-disconnected"; zone: string; reason: "error" | "manual" }
  | { do: "use"; user: string; source: Source; way: Way | null }
  /** The zone believes that direct paths suffice: pairs that are relayed must say so. */
  | { do: "check-relayed" }
  | { do: "set-timer"; name: string; ms: number }
  | { do: "clear-timer"; name: string };

/** The actions that one event brings, in order, and the timers that run. */
export class Decisions {
  private list: SwitchAction[] = [];
  private readonly running = new Set<string>();

  add(action: SwitchAction): void {
    this.list.push(action);
  }

  /** Hands over what has been decided since the last call. */
  take(): SwitchAction[] {
    const list = this.list;
    this.list = [];
    return list;
  }

  setTimer(name: string, ms: number): void {
    this.running.add(name);
    this.add({ do: "set-timer", name, ms });
  }

  clearTimer(name: string): void {
    if (!this.running.delete(name)) return;
    this.add({ do: "clear-timer", name });
  }

  clearTimers(): void {
    for (const name of [...this.running]) this.clearTimer(name);
  }

  /** A timer has come; it no longer runs. */
  expired(name: string): void {
    this.running.delete(name);
  }

  runs(name: string): boolean {
    return this.running.has(name);
  }
}
