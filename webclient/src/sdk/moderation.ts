import type { Asks } from "./asks";
import { connectionLost } from "./problem";
import type { ZoneClientPayloads } from "./protocol";

type Measure = "MUTE_USER" | "REMOVE_FROM_ZONE" | "KICK_FROM_WORLD";

export interface ModerationOptions {
  asks: Asks;
  zone(): string | undefined;
  world(): string | undefined;
  /** False: there is no connection. */
  send<T extends Measure>(type: T, payload: ZoneClientPayloads[T]): boolean;
}

/**
 * What admins and editors may do about others in their zone. Nothing of it has an answer of its own: it is done when
 * its effect is told. Everything rejects with an OfficeError that carries the server's `serverCode` and `details`.
 */
export class Moderation {
  private readonly o: ModerationOptions;

  constructor(options: ModerationOptions) {
    this.o = options;
  }

  /** Mutes someone for everybody; 0 seconds lift it. For admins and editors. */
  mute(userId: string, seconds: number): Promise<void> {
    return this.take("MUTE_USER", userId, { target_user_id: userId, duration: seconds });
  }

  /** Sends someone out of the zone, to where people arrive, and keeps them out for a while. For admins. */
  removeFromZone(userId: string): Promise<void> {
    return this.take("REMOVE_FROM_ZONE", userId, { target_user_id: userId, zone_id: this.o.zone() ?? "" });
  }

  /** Ends someone's visit to the world, and keeps them out for a while. For admins. */
  kick(userId: string): Promise<void> {
    return this.take("KICK_FROM_WORLD", userId, { target_user_id: userId, world_id: this.o.world() ?? "" });
  }

  /** USER_MUTED has come. */
  muted(user: string): void {
    this.o.asks.answer("MUTE_USER", user);
  }

  /** PEER_LEFT has come: out of the zone is where they were to be. */
  left(user: string): void {
    for (const type of ["MUTE_USER", "REMOVE_FROM_ZONE", "KICK_FROM_WORLD"]) this.o.asks.answer(type, user);
  }

  private take<T extends Measure>(type: T, user: string, payload: ZoneClientPayloads[T]): Promise<void> {
    return this.o.asks.ask(type, user, () => {
      if (!this.o.send(type, payload)) this.o.asks.refuse(type, connectionLost, user);
    });
  }
}
