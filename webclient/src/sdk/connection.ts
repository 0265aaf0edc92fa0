import { Backoff } from "./backoff";
import { Emitter } from "./emitter";
import { OfficeError, type Problem } from "./problem";
import {
  CLIENT_VERSION,
  CloseCode,
  type Connected,
  FEATURES,
  type ZoneClientPayloads,
  type ZoneMessage,
  zoneCodec,
} from "./protocol";
import { readToken } from "./token";
import type { ConnectionState, User } from "./types";

/** No CONNECTED within this time: the try is given up and made again. */
const CONNECT_MS = 10_000;
/** How long before its end a token is renewed. */
const RENEW_BEFORE_MS = 60_000;
/** Negotiation that waits for a lost connection to come back; when full, the oldest goes (its offer is stale by then). */
const QUEUE = 200;
/** More than this unsent: presence is skipped, newer presence follows anyway. */
const BUSY_BYTES = 64 * 1024;

/** The little of WebSocket that is used; replaced in tests. */
export type SocketFactory = (url: string, protocols?: string[]) => WebSocket;

export interface ConnectionOptions {
  /** `ws(s)://…/signal`. */
  url: string;
  token: string;
  renewToken?: () => Promise<string>;
  socket?: SocketFactory;
  backoff?: Backoff;
}

export interface ConnectionEvents {
  state: { state: ConnectionState; reason: string };
  /** Every message after CONNECTED, in order. */
  message: ZoneMessage;
  problem: Problem;
}

/** What a close code of the server asks for. */
export type Verdict = { next: "retry" | "renew" | "stop"; problem: Problem };

/** Reads a close: which are worth another try, which need a new token, which are final. Pure. */
export function verdict(code: number, reason: string): Verdict {
  const said = reason ? ` (${reason})` : "";
  switch (code) {
    case CloseCode.authentication:
      return {
        next: "renew",
        problem: { code: "signed-out", message: "Your sign-in has ended. Sign in again.", fatal: true },
      };
    case CloseCode.kicked:
      return {
        next: "stop",
        problem: { code: "kicked", message: `A moderator has removed you from this world${said}.`, fatal: true },
      };
    case CloseCode.replaced:
      return {
        next: "stop",
        problem: {
          code: "replaced",
          message: "You opened the office in another window or device; this one is disconnected.",
          fatal: true,
        },
      };
    case CloseCode.protocol:
      return {
        next: "stop",
        problem: { code: "version", message: "This page is out of date. Reload it.", fatal: true },
      };
    case CloseCode.flooding:
      return {
        next: "retry",
        problem: {
          code: "flooding",
          message: "This page sent too much at once and was cut off. Connecting again.",
          fatal: false,
        },
      };
    case CloseCode.goingAway:
      return {
        next: "retry",
        problem: { code: "connection-lost", message: "The server is restarting. Connecting again.", fatal: false },
      };
    default:
      return {
        next: "retry",
        problem: {
          code: "connection-lost",
          message: "The connection to the office was lost. Connecting again.",
          fatal: false,
        },
      };
  }
}

/**
 * The connection to `/signal`: connects, keeps connecting with back-off and jitter, joins the same world again
 * after each loss, and renews the token before it ends.
 */
export class Connection extends Emitter<ConnectionEvents> {
  state: ConnectionState = "connecting";
  reason = "";

  private readonly options: ConnectionOptions;
  private readonly backoff: Backoff;
  private token: string;
  private socket: WebSocket | null = null;
  /** CONNECTED has come on the current socket. */
  private accepted = false;
  /** WORLD_STATE has come on the current socket. */
  private inWorld = false;
  private world: string | null = null;
  private zone: string | null = null;
  private queue: string[] = [];
  private features: readonly string[] = [];
  private stun: readonly string[] = [];
  private renewedAfterRefusal = false;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private connectTimer: ReturnType<typeof setTimeout> | undefined;
  private renewTimer: ReturnType<typeof setTimeout> | undefined;
  private opening: { resolve: (u: User) => void; reject: (e: OfficeError) => void } | null = null;
  private readonly online = () => this.retryNow();

  constructor(options: ConnectionOptions) {
    super();
    this.options = options;
    this.token = options.token;
    this.backoff = options.backoff ?? new Backoff();
  }

  /** Resolves at the first CONNECTED; keeps trying while the server is out of reach; rejects when refused for good. */
  open(): Promise<User> {
    return new Promise((resolve, reject) => {
      this.opening = { resolve, reject };
      globalThis.addEventListener?.("online", this.online);
      this.dial();
    });
  }

  /** The features that the server agreed to. */
  get agreed(): readonly string[] {
    return this.features;
  }

  /** The STUN servers that the server named. */
  get stunServers(): RTCIceServer[] {
    return this.stun.length > 0 ? [{ urls: [...this.stun] }] : [];
  }

  /** The world to be in, now and after each loss. Null: none. */
  join(world: string | null): void {
    this.world = world;
    if (world && this.accepted) this.write(zoneCodec.encode("JOIN_WORLD", { world_id: world }));
  }

  /** The token in use, for HTTP calls. */
  get currentToken(): string {
    return this.token;
  }

  /**
   * Sends a message of a zone. While the connection is away, negotiation waits (for the same zone, bounded) and
   * the rest is dropped; gives false when dropped.
   */
  send<T extends keyof ZoneClientPayloads>(type: T, payload: ZoneClientPayloads[T]): boolean {
    if (this.inWorld && this.socket?.readyState === WebSocket.OPEN) {
      if (type === "PRESENCE_UPDATE" && this.socket.bufferedAmount > BUSY_BYTES) return false;
      this.socket.send(zoneCodec.encode(type, payload));
      return true;
    }
    if (type !== "SDP_OFFER" && type !== "SDP_ANSWER" && type !== "ICE_CANDIDATE" && type !== "ICE_FAILED")
      return false;
    if (this.queue.length >= QUEUE) this.queue.shift();
    this.queue.push(zoneCodec.encode(type, payload));
    return true;
  }

  /** Closes for good. */
  close(reason = ""): void {
    this.stop(reason);
    this.opening?.reject(
      new OfficeError({ code: "connection-lost", message: reason || "The connection was closed.", fatal: true }),
    );
    this.opening = null;
  }

  private write(frame: string): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(frame);
  }

  private dial(): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    const socket = (this.options.socket ?? ((url) => new WebSocket(url)))(this.options.url);
    this.socket = socket;
    this.accepted = false;
    this.inWorld = false;
    socket.onopen = () => this.write(this.connectFrame());
    socket.onmessage = (e) => this.frame(socket, e.data);
    socket.onclose = (e) => this.lost(socket, e.code, e.reason);
    this.connectTimer = setTimeout(() => {
      this.drop(socket);
      this.lost(socket, CloseCode.timeout, "");
    }, CONNECT_MS);
  }

  private connectFrame(): string {
    return zoneCodec.encode("CONNECT", { token: this.token, client_version: CLIENT_VERSION, features: FEATURES });
  }

  private frame(socket: WebSocket, data: unknown): void {
    if (socket !== this.socket || typeof data !== "string") return;
    let message: ZoneMessage | null;
    try {
      message = zoneCodec.decode(data);
    } catch (error) {
      console.warn("atrium: unreadable frame of the server", error);
      return;
    }
    if (!message) return;
    switch (message.type) {
      case "CONNECTED":
        this.connected(message.payload);
        return;
      case "WORLD_STATE":
        this.entered(message.payload.current_zone.zone_id, true);
        break;
      case "ZONE_TRANSITIONED":
        this.entered(message.payload.zone.zone_id, false);
        break;
    }
    this.emit("message", message);
    if (message.type === "WORLD_STATE") this.flush();
  }

  private connected(said: Connected): void {
    clearTimeout(this.connectTimer);
    const again = this.accepted;
    this.accepted = true;
    this.features = said.features;
    this.stun = said.stun_urls ?? [];
    this.renewedAfterRefusal = false;
    this.scheduleRenewal();
    if (again) return; // the answer to a renewal
    if (this.world) this.write(zoneCodec.encode("JOIN_WORLD", { world_id: this.world }));
    else this.backoff.reset();
    this.enter("connected", "");
    this.opening?.resolve(said.user);
    this.opening = null;
  }

  private entered(zone: string, joined: boolean): void {
    // What waited was meant for people of the zone that this page was in.
    if (this.zone !== zone) this.queue = [];
    this.zone = zone;
    if (joined) {
      this.inWorld = true;
      this.backoff.reset();
    }
  }

  private flush(): void {
    const queue = this.queue;
    this.queue = [];
    for (const frame of queue) this.write(frame);
  }

  private lost(socket: WebSocket, code: number, reason: string): void {
    if (socket !== this.socket) return;
    clearTimeout(this.connectTimer);
    clearTimeout(this.renewTimer);
    this.socket = null;
    this.accepted = false;
    this.inWorld = false;
    const v = verdict(code, reason);
    if (v.next === "stop") {
      this.fail(v.problem);
      return;
    }
    this.enter(this.opening ? "connecting" : "reconnecting", v.problem.message);
    if (v.next === "renew") {
      void this.renewRefused(v.problem);
      return;
    }
    this.emit("problem", v.problem);
    this.retryTimer = setTimeout(() => this.dial(), this.backoff.next());
  }

  /** The token was refused: one fresh token, then one more try; refused again, it is over. */
  private async renewRefused(problem: Problem): Promise<void> {
    if (!this.options.renewToken || this.renewedAfterRefusal) {
      this.fail(problem);
      return;
    }
    this.renewedAfterRefusal = true;
    try {
      this.token = await this.options.renewToken();
    } catch (error) {
      this.fail(error instanceof OfficeError ? error.problem : problem);
      return;
    }
    if (this.state === "closed") return;
    this.retryTimer = setTimeout(() => this.dial(), this.backoff.next());
  }

  private retryNow(): void {
    if (this.retryTimer !== undefined) this.dial();
  }

  private scheduleRenewal(): void {
    clearTimeout(this.renewTimer);
    const expiry = readToken(this.token).expires;
    const renew = this.options.renewToken;
    if (!renew || expiry === undefined) return;
    const left = expiry - Date.now();
    // Short tokens are renewed at half their life. A timer holds at most 2^31-1 ms.
    const wait = Math.min(Math.max(left - RENEW_BEFORE_MS, left / 2, 1000), 2 ** 31 - 1);
    this.renewTimer = setTimeout(async () => {
      try {
        this.token = await renew();
      } catch {
        this.scheduleRenewal(); // tried again until the server refuses the old one
        return;
      }
      if (this.accepted) this.write(this.connectFrame());
    }, wait);
  }

  private enter(state: ConnectionState, reason: string): void {
    this.state = state;
    this.reason = reason;
    this.emit("state", { state, reason });
  }

  private fail(problem: Problem): void {
    this.stop(problem.message);
    this.emit("problem", problem);
    this.opening?.reject(new OfficeError(problem));
    this.opening = null;
  }

  private stop(reason: string): void {
    clearTimeout(this.retryTimer);
    clearTimeout(this.connectTimer);
    clearTimeout(this.renewTimer);
    this.retryTimer = undefined;
    globalThis.removeEventListener?.("online", this.online);
    const socket = this.socket;
    this.socket = null;
    if (socket) this.drop(socket);
    this.accepted = false;
    this.inWorld = false;
    this.queue = [];
    if (this.state !== "closed") this.enter("closed", reason);
  }

  private drop(socket: WebSocket): void {
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close(CloseCode.normal);
  }
}
