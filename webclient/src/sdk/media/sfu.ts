import { Backoff } from "../backoff";
import type { LocalMedia } from "../local";
import type { VideoCodec } from "../options";
import { CloseCode, decodeSDP, encodeSDP, type SfuMessage, type View } from "../protocol";
import { readToken } from "../token";
import type { Source } from "../types";
import { encodings, shape } from "./encodings";
import { SfuLink } from "./link";
import { Slots, wantedSlots } from "./slots";

/** From dialling to media; beyond it a fresh promotion is asked for. */
const CONNECT_MS = 8000;
/** ICE that stalls is restarted after this time … */
const STALL_MS = 1500;
/** … and given up when the restart has not helped after this. */
const RESTART_MS = 5000;
/** A lost link is dialled again for this long; the SFU keeps the session for its grace (5 s by default). */
const RESUME_MS = 4500;
/**
 * Downlink slots of each kind asked for at least; with more people more, in steps (see wantedSlots). Each costs the
 * browser a receiver whether it is used or not, which a page of three people should not pay sixteen times.
 */
const LEAST_SLOTS = 4;
/** A camera that is known to capture less is sent in one layer by `simulcast: "auto"`. */
const SIMULCAST_HEIGHT = 270;

export interface SfuSessionOptions {
  readonly local: LocalMedia;
  readonly simulcast: boolean | "auto";
  readonly codec: VideoCodec;
  config(): RTCConfiguration;
  /** A new connection is being built: what was known of the former one no longer holds. */
  onFresh(): void;
  onUp(): void;
  onSlots(): void;
  onTracks(): void;
  onNeedsToken(): void;
  onLost(): void;
  onReleased(): void;
}

/**
 * A session with the SFU: the link and the one connection for all media. The client alone offers: microphone,
 * camera, screen, then the downlink slots. People come, go and speak without a new offer.
 */
export class SfuSession {
  readonly slots = new Slots();
  private readonly o: SfuSessionOptions;
  private url = "";
  private token = "";
  private session: string | undefined;
  private link: SfuLink | null = null;
  private pc: RTCPeerConnection | null = null;
  private readonly uplinks = new Map<Source, RTCRtpTransceiver>();
  private allowed = { audio: LEAST_SLOTS, video: LEAST_SLOTS };
  private have = { audio: 0, video: 0 };
  private peers = 0;
  private shows: View | null = null;
  private offering = false;
  private again: "no" | "offer" | "restart" = "no";
  private lostSince: number | undefined;
  private readonly backoff = new Backoff(150, 1000);
  private closed = false;
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly offLocal: () => void;

  constructor(options: SfuSessionOptions) {
    this.o = options;
    this.offLocal = options.local.on("change", () => this.putTracks());
  }

  get connection(): RTCPeerConnection | null {
    return this.pc;
  }

  get connected(): boolean {
    return this.pc?.connectionState === "connected";
  }

  /** The track that carries a user's source now. */
  track(user: string, source: Source): MediaStreamTrack | null {
    const mid = this.slots.midOf(user, source);
    if (mid === undefined) return null;
    return this.pc?.getTransceivers().find((t) => t.mid === mid)?.receiver.track ?? null;
  }

  /** Connects, or takes a session over whose link was lost. A session that is well only keeps the fresh token. */
  dial(url: string, token: string): void {
    this.url = url;
    this.token = token;
    if (this.link && this.lostSince === undefined) return;
    this.lostSince = undefined;
    this.timer("redial", 0, null);
    if (!this.connected) this.timer("connect", CONNECT_MS, () => this.lost());
    this.connectLink();
  }

  /** How many others there are: more people than slots ask for more slots, by a new offer. */
  room(peers: number): void {
    this.peers = peers;
    if (!this.pc || this.have.audio === 0) return;
    if (this.missing("audio") > 0 || this.missing("video") > 0) void this.offer("offer");
  }

  /** What the page shows, so that the SFU can choose well. */
  view(view: View): void {
    this.shows = view;
    this.link?.send("VIEW", view);
  }

  /** New TURN servers, for the next ICE restart. */
  configure(): void {
    this.pc?.setConfiguration(this.o.config());
  }

  close(): void {
    this.closed = true;
    this.offLocal();
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    this.link?.close();
    this.link = null;
    this.discard();
  }

  // --- the link -------------------------------------------------------------------------------------

  private connectLink(): void {
    this.link?.close();
    const resume = this.connected ? this.session : undefined;
    this.link = new SfuLink(this.url, this.token, resume, {
      onConnected: (c) => {
        this.backoff.reset();
        this.lostSince = undefined;
        this.allowed = { ...c.slots };
        const same = resume !== undefined && c.session === resume && this.pc !== null;
        this.session = c.session;
        if (this.shows) this.link?.send("VIEW", this.shows);
        if (same) {
          this.o.onUp();
          return;
        }
        this.build();
      },
      onMessage: (m) => this.message(m),
      onClosed: (code, refused) => this.linkClosed(code, refused),
    });
  }

  private linkClosed(code: number, refused: boolean): void {
    this.link = null;
    if (this.closed) return;
    if (code === CloseCode.normal) {
      this.o.onReleased();
      return;
    }
    if (!this.connected || code === CloseCode.replaced) {
      this.lost();
      return;
    }
    // Media goes on without the link; a token may be shown again until it ends.
    this.lostSince ??= Date.now();
    const expiry = readToken(this.token).expires;
    const usable = !refused && expiry !== undefined && expiry > Date.now() + 1000;
    if (usable && Date.now() - this.lostSince < RESUME_MS) {
      this.timer("redial", this.backoff.next(), () => this.connectLink());
      return;
    }
    this.o.onNeedsToken();
  }

  private lost(): void {
    if (!this.closed) this.o.onLost();
  }

  private message(m: SfuMessage): void {
    switch (m.type) {
      case "SDP_ANSWER":
        void this.answered(decodeSDP(m.payload.sdp));
        break;
      case "ICE_CANDIDATE":
        if (m.payload.candidate) this.pc?.addIceCandidate(m.payload.candidate).catch(() => {});
        break;
      case "SLOTS":
        this.slots.update(m.payload.slots);
        this.o.onSlots();
        break;
      case "ERROR":
        console.warn(`atrium: the SFU said ${m.payload.code}: ${m.payload.message}`, m.payload.details ?? "");
        break;
    }
  }

  // --- the connection -------------------------------------------------------------------------------

  private build(): void {
    this.discard();
    const pc = new RTCPeerConnection(this.o.config());
    this.pc = pc;
    this.slots.reset();
    this.o.onFresh();
    this.timer("connect", CONNECT_MS, () => this.lost());
    pc.onicecandidate = (e) => {
      if (e.candidate?.candidate === "") return;
      this.link?.send("ICE_CANDIDATE", { to: "sfu", candidate: e.candidate?.toJSON() ?? null });
    };
    pc.onconnectionstatechange = () => this.stateChanged(pc);
    // An uplink without a track yet is in no stream: its a=msid reads "-" (RFC 8830, section 2), which tells the SFU
    // that nothing comes by it for now, so that a zone's promotion need not wait for a screen nobody shares.
    const stream = new MediaStream();
    const streams = (source: Source) => (this.o.local.track(source) ? [stream] : []);
    this.uplinks.set("mic", pc.addTransceiver("audio", { direction: "sendonly", streams: streams("mic") }));
    const camera = pc.addTransceiver("video", {
      direction: "sendonly",
      streams: streams("camera"),
      sendEncodings: encodings(this.codec(), this.layered(), this.o.local.track("camera")?.getSettings()),
    });
    this.uplinks.set("camera", camera);
    const screen = pc.addTransceiver("video", { direction: "sendonly", streams: streams("screen") });
    this.uplinks.set("screen", screen);
    prefer(camera, RTCRtpSender, [this.codec()]);
    prefer(screen, RTCRtpSender, ["vp8"]);
    this.have = { audio: 0, video: 0 };
    this.putTracks();
    void this.offer("offer");
  }

  private discard(): void {
    const pc = this.pc;
    this.pc = null;
    this.uplinks.clear();
    this.offering = false;
    this.again = "no";
    this.have = { audio: 0, video: 0 };
    if (!pc) return;
    pc.onicecandidate = null;
    pc.onconnectionstatechange = null;
    pc.close();
  }

  /** The codec that was asked for, where this browser encodes it. */
  private codec(): VideoCodec {
    return capabilities(RTCRtpSender).some((c) => is(c, this.o.codec)) ? this.o.codec : "vp8";
  }

  private layered(): boolean {
    if (this.o.simulcast !== "auto") return this.o.simulcast;
    return (this.o.local.track("camera")?.getSettings().height ?? SIMULCAST_HEIGHT) >= SIMULCAST_HEIGHT;
  }

  private missing(kind: "audio" | "video"): number {
    return wantedSlots(this.peers, LEAST_SLOTS, this.allowed[kind]) - this.have[kind];
  }

  private addSlots(pc: RTCPeerConnection): void {
    for (const kind of ["audio", "video"] as const) {
      for (let n = this.missing(kind); n > 0; n--) {
        const t = pc.addTransceiver(kind, { direction: "recvonly" });
        if (kind === "video") prefer(t, RTCRtpReceiver, DECODED);
        this.have[kind]++;
      }
    }
  }

  private async offer(why: "offer" | "restart"): Promise<void> {
    const pc = this.pc;
    if (!pc) return;
    if (this.offering || !this.link?.open) {
      if (this.again !== "restart") this.again = why;
      return;
    }
    this.offering = true;
    try {
      this.addSlots(pc);
      await pc.setLocalDescription(await pc.createOffer({ iceRestart: why === "restart" }));
      if (this.pc !== pc || !pc.localDescription) return;
      this.link?.send("SDP_OFFER", { to: "sfu", sdp: encodeSDP(pc.localDescription.sdp) });
    } catch (error) {
      this.offering = false;
      console.warn("atrium: offer to the SFU", error);
    }
  }

  private async answered(sdp: string): Promise<void> {
    const pc = this.pc;
    if (pc?.signalingState !== "have-local-offer") return;
    try {
      await pc.setRemoteDescription({ type: "answer", sdp });
    } catch (error) {
      console.warn("atrium: the SFU's answer", error);
      this.lost();
      return;
    }
    if (this.pc !== pc) return;
    this.offering = false;
    this.o.onTracks();
    const again = this.again;
    this.again = "no";
    if (again !== "no") await this.offer(again);
  }

  private putTracks(): void {
    for (const [source, section] of this.uplinks) {
      const track = this.o.local.track(source);
      if (section.sender.track === track) continue;
      const { sender } = section;
      sender
        .replaceTrack(track)
        .then(() => (source === "camera" && track ? shape(sender) : undefined))
        .catch(() => {}); // closed meanwhile
    }
  }

  private stateChanged(pc: RTCPeerConnection): void {
    if (this.pc !== pc) return;
    switch (pc.connectionState) {
      case "connected":
        for (const name of ["connect", "stall", "restart"]) this.timer(name, 0, null);
        this.o.onUp();
        break;
      case "disconnected":
        this.timer("stall", STALL_MS, () => this.restart());
        break;
      case "failed":
        this.restart();
        break;
      case "closed":
        this.lost();
        break;
    }
  }

  private restart(): void {
    if (this.connected || this.timers.has("restart")) return;
    if (!this.link?.open) {
      this.lost();
      return;
    }
    this.timer("restart", RESTART_MS, () => {
      if (!this.connected) this.lost();
    });
    void this.offer("restart");
  }

  private timer(name: string, ms: number, f: (() => void) | null): void {
    clearTimeout(this.timers.get(name));
    this.timers.delete(name);
    if (!f || this.closed) return;
    this.timers.set(
      name,
      setTimeout(() => {
        this.timers.delete(name);
        f();
      }, ms),
    );
  }
}

/** What slots offer to be filled with, of what the browser decodes. */
const DECODED: readonly VideoCodec[] = ["vp8", "h264", "vp9", "av1"];

/** The formats of each codec that the SFU answers. Offering nothing else keeps an offer with many sections small. */
const FORMATS: Record<VideoCodec, { name: RegExp; format: RegExp }> = {
  vp8: { name: /^video\/vp8$/i, format: /^/ },
  h264: { name: /^video\/h264$/i, format: /^(?=.*packetization-mode=1)(?=.*profile-level-id=42e0)/i },
  vp9: { name: /^video\/vp9$/i, format: /^$|profile-id=0/ },
  av1: { name: /^video\/av1$/i, format: /^$|(^|;)profile=0/ },
};

type Codec = { mimeType: string; sdpFmtpLine?: string };

function is(c: Codec, codec: VideoCodec): boolean {
  return FORMATS[codec].name.test(c.mimeType) && FORMATS[codec].format.test(c.sdpFmtpLine ?? "");
}

function capabilities(of: typeof RTCRtpSender | typeof RTCRtpReceiver) {
  return of.getCapabilities?.("video")?.codecs ?? [];
}

/** Limits what a section offers to some codecs, in their order. */
function prefer(t: RTCRtpTransceiver, of: typeof RTCRtpSender | typeof RTCRtpReceiver, codecs: readonly VideoCodec[]) {
  const all = capabilities(of);
  const wanted = codecs.flatMap((codec) => all.filter((c) => is(c, codec)));
  const repair = all.filter((c) => /^video\/rtx$/i.test(c.mimeType));
  if (wanted.length > 0) t.setCodecPreferences?.([...wanted, ...repair]);
}
