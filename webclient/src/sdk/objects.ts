import type { Asks } from "./asks";
import { connectionLost, denied } from "./problem";
import type { ObjectHold, ZoneClientPayloads, ZoneMessage } from "./protocol";
import type { Action } from "./types";

export interface ObjectsOptions {
  asks: Asks;
  self(): string | undefined;
  /** False: there is no connection. */
  send<T extends "INTERACT_REQUEST" | "INTERACT_END">(type: T, payload: ZoneClientPayloads[T]): boolean;
  /** Told when an object's holder is another one than before; null: it is free. */
  changed(objectId: string, holder: string | null): void;
}

/** Who holds which object of the zone, and the locks of one's own. */
export class Objects {
  private readonly o: ObjectsOptions;
  private holders = new Map<string, string>();
  /** By object; what one holds by a former page's word has no lock until it is asked for again. */
  private readonly own = new Map<string, { lock: string; action: Action }>();
  /** What is asked for, by object. */
  private readonly asked = new Map<string, Action>();

  constructor(options: ObjectsOptions) {
    this.o = options;
  }

  /** user_id by object_id, oneself included. */
  get all(): ReadonlyMap<string, string> {
    return this.holders;
  }

  /** What one does with which object, in the order in which it was granted. */
  get held(): ReadonlyMap<string, Action> {
    return new Map([...this.own].map(([object, { action }]) => [object, action]));
  }

  request(object: string, action: Action): Promise<void> {
    return this.o.asks.ask("INTERACT_REQUEST", object, () => {
      this.asked.set(object, action);
      if (!this.o.send("INTERACT_REQUEST", { object_id: object, action })) {
        this.o.asks.refuse("INTERACT_REQUEST", connectionLost, object);
      }
    });
  }

  /** Gives an object back. While there is no connection nothing is given back: the server keeps it as it was. */
  end(object: string): boolean {
    const lock = this.own.get(object)?.lock;
    if (!lock || !this.o.send("INTERACT_END", { object_id: object, lock_id: lock })) return false;
    this.own.delete(object);
    this.hold(object, null);
    return true;
  }

  /** The holders after a welcome. Of one's own locks those are left that the list has. */
  listed(holds: readonly ObjectHold[]): void {
    const next = new Map(holds.map((h) => [h.object_id, h.user_id]));
    const self = this.o.self();
    for (const object of this.own.keys()) if (next.get(object) !== self) this.own.delete(object);
    for (const object of [...this.holders.keys()]) if (!next.has(object)) this.hold(object, null);
    for (const [object, user] of next) this.hold(object, user);
  }

  message(m: ZoneMessage): boolean {
    switch (m.type) {
      case "INTERACT_GRANTED": {
        const { object_id: object, lock_id: lock } = m.payload;
        this.own.set(object, { lock, action: this.asked.get(object) ?? "use" });
        this.asked.delete(object);
        this.hold(object, this.o.self() ?? null);
        this.o.asks.answer("INTERACT_REQUEST", object);
        return true;
      }
      case "INTERACT_DENIED":
        this.asked.delete(m.payload.object_id);
        this.o.asks.refuse("INTERACT_REQUEST", denied(m.payload.reason), m.payload.object_id);
        return true;
      case "OBJECT_OCCUPIED":
        this.hold(m.payload.object_id, m.payload.user_id);
        return true;
      case "OBJECT_RELEASED":
        this.own.delete(m.payload.object_id);
        this.hold(m.payload.object_id, null);
        return true;
      default:
        return false;
    }
  }

  private hold(object: string, user: string | null): void {
    if ((this.holders.get(object) ?? null) === user) return;
    if (user === null) this.holders.delete(object);
    else this.holders.set(object, user);
    this.o.changed(object, user);
  }
}
