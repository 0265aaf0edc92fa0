import { Backoff } from "../backoff";
import type { SocketFactory } from "../connection";
import { SUBPROTOCOL, SUBPROTOCOL_ACK } from "../documents.gen";
import { Emitter } from "../emitter";
import { OfficeError, type Problem } from "../problem";
import { CloseCode } from "../protocol";
import { type DocumentMessage, decode } from "./protocol";

/** Not open within this time: the try is given up and made again. */
const OPEN_MS = 10_000;
/** A connection that held so long was a good one: the next loss is met with a quick try again. */
const GOOD_MS = 5000;
/** More than this unsent: cursors are skipped, newer ones follow anyway. */
const BUSY_BYTES = 64 * 1024;

const lost: Problem = {
  code: "connection-lost",
  message: "The connection to this document was lost. Connecting again.",
  fatal: false,
};

const signedOut: Problem = {
  code: "signed-out",
  message: "Your sign-in has ended. Sign in again to open this document.",
  fatal: true,
};

export interface LinkOptions {
  /** `ws(s)://…/documents`. */
  url: string;
  /** The token to connect with; asked for at each try, so that a renewed one is used. */
  token(): string | Promise<string>;
  socket?: SocketFactory;
  backoff?: Backoff;
}

export interface LinkEvents {
  open: undefined;
  message: DocumentMessage;
  /** Gone; it comes back by itself unless the problem is fatal. */
  lost: Problem;
}

/** The connection to `/documents`: connects, and keeps connecting with back-off and jitter. */
export class DocumentLink extends Emitter<LinkEvents> {
  private readonly o: LinkOptions;
  private readonly backoff: Backoff;
  private socket: WebSocket | null = null;
  private used = "";
  private refused = "";
  private closed = false;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private opening: ReturnType<typeof setTimeout> | undefined;
  private good: ReturnType<typeof setTimeout> | undefined;
  private readonly online = () => {
    if (this.retry !== undefined) void this.dial();
  };

  constructor(options: LinkOptions) {
    super();
    this.o = options;
    this.backoff = options.backoff ?? new Backoff();
  }

  open(): void {
    globalThis.addEventListener?.("online", this.online);
    void this.dial();
  }

  /** The token of the present connection. */
  get token(): string {
    return this.used;
  }

  /** Whether the server tells one's own notes back. */
  get acknowledges(): boolean {
    return this.socket?.protocol === SUBPROTOCOL_ACK;
  }

  /** False: it was not sent. What can be left out is, while much is waiting to go out. */
  send(frame: string, droppable = false): boolean {
    const { socket } = this;
    if (socket?.readyState !== WebSocket.OPEN) return false;
    if (droppable && socket.bufferedAmount > BUSY_BYTES) return false;
    socket.send(frame);
    return true;
  }

  close(): void {
    this.closed = true;
    globalThis.removeEventListener?.("online", this.online);
    for (const timer of [this.retry, this.opening, this.good]) clearTimeout(timer);
    if (this.socket) this.drop(this.socket);
    this.socket = null;
  }

  private async dial(): Promise<void> {
    clearTimeout(this.retry);
    this.retry = undefined;
    let token: string;
    try {
      token = await this.o.token();
    } catch (error) {
      if (!this.closed) this.stop(error instanceof OfficeError ? error.problem : signedOut);
      return;
    }
    if (this.closed) return;
    if (token === this.refused) {
      this.stop(signedOut);
      return;
    }
    this.used = token;
    const protocols = [SUBPROTOCOL_ACK, SUBPROTOCOL, token];
    const socket = (this.o.socket ?? ((url, p) => new WebSocket(url, p)))(this.o.url, protocols);
    this.socket = socket;
    socket.onopen = () => {
      clearTimeout(this.opening);
      this.good = setTimeout(() => this.backoff.reset(), GOOD_MS);
      this.emit("open", undefined);
    };
    socket.onmessage = (e) => this.frame(e.data);
    socket.onclose = (e) => this.gone(socket, e.code);
    this.opening = setTimeout(() => {
      this.drop(socket);
      this.gone(socket, CloseCode.timeout);
    }, OPEN_MS);
  }

  private frame(data: unknown): void {
    let message: DocumentMessage | null;
    try {
      message = decode(String(data));
    } catch (error) {
      console.warn("atrium: unreadable frame of the document server", error);
      return;
    }
    if (message) this.emit("message", message);
  }

  private gone(socket: WebSocket, code: number): void {
    if (socket !== this.socket) return;
    this.socket = null;
    clearTimeout(this.opening);
    clearTimeout(this.good);
    if (code === CloseCode.authentication) this.refused = this.used;
    this.emit("lost", lost);
    if (!this.closed) this.retry = setTimeout(() => void this.dial(), this.backoff.next());
  }

  private stop(problem: Problem): void {
    this.close();
    this.emit("lost", problem);
  }

  private drop(socket: WebSocket): void {
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close(CloseCode.normal);
  }
}
