import {
  CLIENT_VERSION,
  CloseCode,
  type SfuClientPayloads,
  type SfuMessage,
  type SlotLimits,
  sfuCodec,
} from "../protocol";

/** The SFU answers CONNECT within this time, or the link is given up. */
const CONNECT_MS = 5000;

export interface LinkHandlers {
  onConnected(c: { session: string; slots: SlotLimits }): void;
  onMessage(m: SfuMessage): void;
  /** Once, unless closed by this side. `refused`: the SFU said why in an ERROR before closing. */
  onClosed(code: number, refused: boolean): void;
}

/** The WebSocket to the SFU: same envelope as `/signal`, its own token, one session. */
export class SfuLink {
  private readonly socket: WebSocket;
  private connected = false;
  private refused = false;
  private readonly timer: ReturnType<typeof setTimeout>;

  constructor(url: string, token: string, session: string | undefined, handlers: LinkHandlers) {
    const socket = new WebSocket(url);
    this.socket = socket;
    this.timer = setTimeout(() => {
      this.close();
      handlers.onClosed(CloseCode.timeout, false);
    }, CONNECT_MS);
    socket.onopen = () =>
      socket.send(
        sfuCodec.encode("CONNECT", { token, client_version: CLIENT_VERSION, ...(session ? { session } : {}) }),
      );
    socket.onclose = (e) => {
      clearTimeout(this.timer);
      handlers.onClosed(e.code, this.refused);
    };
    socket.onmessage = (e) => {
      if (typeof e.data !== "string") return;
      let message: SfuMessage | null = null;
      try {
        message = sfuCodec.decode(e.data);
      } catch (error) {
        console.warn("atrium: unreadable frame of the SFU", error);
      }
      if (!message) return;
      if (message.type === "CONNECTED") {
        clearTimeout(this.timer);
        this.connected = true;
        handlers.onConnected({ session: message.payload.session, slots: message.payload.slots });
        return;
      }
      if (message.type === "ERROR" && !this.connected) this.refused = true;
      handlers.onMessage(message);
    };
  }

  get open(): boolean {
    return this.connected && this.socket.readyState === WebSocket.OPEN;
  }

  /** Gives false when the link is gone. */
  send<T extends keyof SfuClientPayloads>(type: T, payload: SfuClientPayloads[T]): boolean {
    if (!this.open) return false;
    this.socket.send(sfuCodec.encode(type, payload));
    return true;
  }

  close(): void {
    clearTimeout(this.timer);
    this.socket.onopen = null;
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close(CloseCode.normal);
  }
}
