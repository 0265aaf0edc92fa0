import type { Slot } from "../protocol";
import type { Source } from "../types";

/** Whose what is in a slot. */
export interface Slotted {
  readonly user: string;
  readonly source: Source;
  readonly active: boolean;
}

/** The same, with the slot. */
export interface Occupant extends Slotted {
  readonly mid: string;
}

/** How far a slot's counters had come when its occupant came: what arrived before was someone else's. */
interface Base {
  readonly user: string;
  readonly source: Source;
  packets: number;
  frames: number;
}

/** What a slot has received in all, by the browser's statistics. */
export interface SlotCounters {
  readonly packets: number;
  readonly frames: number;
}

/**
 * The books of the downlink slots: who is in which, and what has arrived of the present occupant. Slots change
 * hands without renegotiation, while the browser's counters go on. Pure.
 */
export class Slots {
  private list: readonly Slot[] = [];
  private known = false;
  private readonly bases = new Map<string, Base>();
  private readonly counters = new Map<string, SlotCounters>();

  /** A SLOTS message: the whole list. */
  update(list: readonly Slot[]): void {
    this.list = list;
    this.known = true;
    for (const slot of list) {
      if (!slot.user_id || !slot.source) {
        this.bases.delete(slot.mid);
        continue;
      }
      const base = this.bases.get(slot.mid);
      if (base?.user === slot.user_id && base.source === slot.source) continue;
      const now = this.counters.get(slot.mid) ?? { packets: 0, frames: 0 };
      this.bases.set(slot.mid, { user: slot.user_id, source: slot.source, ...now });
    }
  }

  /** Fresh statistics of a slot. */
  count(mid: string, counters: SlotCounters): void {
    this.counters.set(mid, counters);
  }

  /** How far the counters had come when the present occupant came. */
  base(mid: string): SlotCounters {
    const base = this.bases.get(mid);
    return { packets: base?.packets ?? 0, frames: base?.frames ?? 0 };
  }

  /** What has arrived of the slot's present occupant. */
  arrived(mid: string): SlotCounters {
    const base = this.bases.get(mid);
    const now = this.counters.get(mid);
    if (!base || !now) return { packets: 0, frames: 0 };
    return { packets: Math.max(0, now.packets - base.packets), frames: Math.max(0, now.frames - base.frames) };
  }

  /** Who is in the slots. */
  occupants(): Occupant[] {
    const out: Occupant[] = [];
    for (const s of this.list) {
      if (s.user_id && s.source) out.push({ mid: s.mid, user: s.user_id, source: s.source, active: s.active });
    }
    return out;
  }

  /** The slot that carries a user's source now. */
  midOf(user: string, source: Source): string | undefined {
    return this.list.find((s) => s.user_id === user && s.source === source)?.mid;
  }

  /** SLOTS has come, and a packet arrived in every slot that it calls active. */
  delivers(): boolean {
    return this.known && this.list.every((s) => !s.active || !s.user_id || this.arrived(s.mid).packets > 0);
  }

  /** A new session: other slots, other counters. */
  reset(): void {
    this.list = [];
    this.known = false;
    this.bases.clear();
    this.counters.clear();
  }
}

/** How many slots to ask for: at least `least`, room for everyone and a few to come, never more than allowed. */
export function wantedSlots(peers: number, least: number, allowed: number): number {
  const step = 4;
  return Math.min(allowed, Math.max(least, Math.ceil((peers + 1) / step) * step));
}
