import type { LocalMedia } from "../local";
import { decodeSDP, encodeSDP, type ZoneClientPayloads } from "../protocol";
import type { Source } from "../types";

/** Without a connection for this long, the pair's path is reported as failed. */
export const ICE_FAILED_MS = 3000;
/** An unanswered offer is sent again: the page that got it may have been reloaded. */
const RESEND_MS = 2000;
/** An offer that nobody answers is a failure too (an SFU may still reach that page). */
const UNANSWERED_MS = 6000;
/** A connection that stalls is given this long to come back by itself. */
const STALL_MS = 2000;
/** Who is not the first to restart waits this long for the other. */
const YIELD_MS = 1200;
/** Credentials that come this long after the start find a pair that needs them. */
const NEEDY_MS = 2000;
/** Candidates kept until the description that they belong to comes. */
const EARLY_CANDIDATES = 64;

/** The messages that negotiate a pair. */
export type PairType = "SDP_OFFER" | "SDP_ANSWER" | "ICE_CANDIDATE";

export interface PeerLinkOptions {
  /** This page's user_id and the peer's. */
  readonly self: string;
  readonly user: string;
  readonly local: LocalMedia;
  readonly config: RTCConfiguration;
  send<T extends PairType>(type: T, payload: ZoneClientPayloads[T]): void;
  /** Media can flow. */
  onUp(): void;
  /** No path: to be reported as ICE_FAILED. May come again after each mending that did not help. */
  onFailed(): void;
  /** The other side has closed it. */
  onLost(): void;
  /** A track came or changed. */
  onTracks(): void;
  /** For tests; default: the browser's. */
  readonly connection?: (config: RTCConfiguration) => RTCPeerConnection;
}

/** The DTLS fingerprint of a description: another one means another page. */
export function fingerprintOf(sdp: string | undefined): string | undefined {
  return sdp?.match(/^a=fingerprint:\S+\s+(\S+)/m)?.[1]?.toUpperCase();
}

/** Lip sync: microphone and camera are one stream, the screen is its own. */
function streamOf(source: Source, streams: readonly [MediaStream, MediaStream]): MediaStream {
  return source === "screen" ? streams[1] : streams[0];
}

/**
 * The connection to one peer. Three sections: microphone, camera, screen; what is sent in them changes by
 * `replaceTrack`, so that switching a device never renegotiates. Offers that cross are settled by perfect
 * negotiation: the lower user_id yields.
 */
export class PeerLink {
  private readonly o: PeerLinkOptions;
  private readonly polite: boolean;
  private config: RTCConfiguration;
  private pc: RTCPeerConnection | null = null;
  private readonly sections = new Map<Source, RTCRtpTransceiver>();
  private streams: [MediaStream, MediaStream] | null = null;
  private early: RTCIceCandidateInit[] = [];
  private chain: Promise<void> = Promise.resolve();
  private makingOffer = false;
  private ignoring = false;
  private closed = false;
  private wasUp = false;
  private startedAt = 0;
  private lastOffer: string | undefined;
  /** The present try has been reported as failed; a second report of the same try would count as a second failure. */
  private reported = false;
  /** A try of this pair has failed: new servers are worth a new one at once. */
  private needy = false;
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly offLocal: () => void;

  constructor(options: PeerLinkOptions) {
    this.o = options;
    this.config = options.config;
    this.polite = options.self < options.user;
    this.offLocal = options.local.on("change", () => this.putTracks());
  }

  /** The connection that carries the media now; for statistics. */
  get connection(): RTCPeerConnection | null {
    return this.pc;
  }

  get connected(): boolean {
    return this.pc?.connectionState === "connected";
  }

  /** The peer's track of a source, once the sections are agreed. */
  track(source: Source): MediaStreamTrack | null {
    return this.sections.get(source)?.receiver.track ?? null;
  }

  /** The section's identification, to find its statistics. */
  mid(source: Source): string | null {
    return this.sections.get(source)?.mid ?? null;
  }

  /** Offers; used by the one who arrives. */
  offer(): void {
    this.run(async () => {
      this.fresh();
      await this.makeOffer(false);
    });
  }

  /** A message of the peer. Handled one after the other, in order. */
  receive(type: PairType, payload: { sdp?: string; candidate?: RTCIceCandidateInit | null }): void {
    this.run(async () => {
      if (type === "ICE_CANDIDATE") await this.onCandidate(payload.candidate ?? null);
      else if (type === "SDP_OFFER") await this.onOffer(decodeSDP(payload.sdp ?? ""));
      else await this.onAnswer(decodeSDP(payload.sdp ?? ""));
    });
  }

  /** New servers. A pair that has no connection begins again with them; one that works is left alone. */
  configure(config: RTCConfiguration, mend: boolean): void {
    this.config = config;
    this.pc?.setConfiguration(config);
    if (!mend || this.closed || this.connected || !this.pc) return;
    if (!this.needy && Date.now() - this.startedAt < NEEDY_MS) return;
    this.mend(this.polite ? 0 : YIELD_MS);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.offLocal();
    this.discard();
  }

  // --- negotiation --------------------------------------------------------------------------------

  private run(step: () => Promise<void>): void {
    this.chain = this.chain
      .then(() => (this.closed ? undefined : step()))
      .catch((error) => {
        if (!this.closed) console.warn(`atrium: negotiation with ${this.o.user}`, error);
      });
  }

  private fresh(): RTCPeerConnection {
    this.discard();
    const pc = (this.o.connection ?? ((c) => new RTCPeerConnection(c)))(this.config);
    this.pc = pc;
    this.streams = [new MediaStream(), new MediaStream()];
    this.wasUp = false;
    pc.onicecandidate = (e) => {
      if (this.pc !== pc || e.candidate?.candidate === "") return;
      this.o.send("ICE_CANDIDATE", { to: this.o.user, candidate: e.candidate?.toJSON() ?? null });
    };
    pc.onconnectionstatechange = () => this.stateChanged(pc);
    return pc;
  }

  private discard(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    const pc = this.pc;
    this.pc = null;
    this.sections.clear();
    this.early = [];
    this.lastOffer = undefined;
    if (!pc) return;
    pc.onicecandidate = null;
    pc.onconnectionstatechange = null;
    pc.close();
  }

  /** A new try. */
  private begin(): void {
    this.startedAt = Date.now();
    this.reported = false;
    for (const name of ["ice", "yield", "unanswered"]) this.timer(name, 0, null);
  }

  private async makeOffer(iceRestart: boolean): Promise<void> {
    const pc = this.pc;
    if (!pc) return;
    if (this.sections.size === 0) {
      for (const [source, kind] of [
        ["mic", "audio"],
        ["camera", "video"],
        ["screen", "video"],
      ] as const) {
        const streams = this.streams ? [streamOf(source, this.streams)] : [];
        this.sections.set(source, pc.addTransceiver(kind, { direction: "sendrecv", streams }));
      }
      this.putTracks();
      this.o.onTracks();
    }
    this.begin();
    this.makingOffer = true;
    try {
      await pc.setLocalDescription(await pc.createOffer({ iceRestart }));
    } finally {
      this.makingOffer = false;
    }
    if (this.pc !== pc || !pc.localDescription) return;
    this.sendOffer(pc.localDescription.sdp);
    this.timer("resend", RESEND_MS, () => this.resend(pc));
    this.timer("unanswered", UNANSWERED_MS, () => this.failed(pc));
  }

  private sendOffer(sdp: string): void {
    this.o.send("SDP_OFFER", { to: this.o.user, sdp: encodeSDP(sdp) });
  }

  private resend(pc: RTCPeerConnection): void {
    if (this.pc !== pc || pc.signalingState !== "have-local-offer" || !pc.localDescription) return;
    // By now the description holds the candidates too.
    this.sendOffer(pc.localDescription.sdp);
    this.timer("resend", RESEND_MS, () => this.resend(pc));
  }

  private async onOffer(sdp: string): Promise<void> {
    let pc = this.pc;
    if (pc && sdp === this.lastOffer && pc.signalingState === "stable" && pc.localDescription?.type === "answer") {
      // The same offer again: our answer was lost.
      this.o.send("SDP_ANSWER", { to: this.o.user, sdp: encodeSDP(pc.localDescription.sdp) });
      return;
    }
    const known = fingerprintOf(pc?.remoteDescription?.sdp);
    const colliding = pc !== null && (this.makingOffer || pc.signalingState !== "stable");
    this.ignoring = colliding && !this.polite && (known === undefined || known === fingerprintOf(sdp));
    if (this.ignoring) return;
    // Another page (a reload), or nothing agreed yet: answering afresh is simpler and surer than a roll-back.
    if (!pc || known === undefined || known !== fingerprintOf(sdp)) pc = this.fresh();
    this.begin();
    await pc.setRemoteDescription({ type: "offer", sdp });
    this.lastOffer = sdp;
    this.adopt(pc);
    await pc.setLocalDescription();
    if (this.pc !== pc || !pc.localDescription) return;
    this.o.send("SDP_ANSWER", { to: this.o.user, sdp: encodeSDP(pc.localDescription.sdp) });
    await this.takeEarly(pc);
    this.watch(pc);
  }

  /** The offered sections become ours: first audio, first video, second video. */
  private adopt(pc: RTCPeerConnection): void {
    if (this.sections.size > 0) return;
    const order: Record<string, Source[]> = { audio: ["mic"], video: ["camera", "screen"] };
    for (const t of pc.getTransceivers()) {
      const source = order[t.receiver.track.kind]?.shift();
      if (!source) continue;
      t.direction = "sendrecv";
      if (this.streams) t.sender.setStreams?.(streamOf(source, this.streams));
      this.sections.set(source, t);
    }
    this.putTracks();
    this.o.onTracks();
  }

  private async onAnswer(sdp: string): Promise<void> {
    const pc = this.pc;
    if (pc?.signalingState !== "have-local-offer") return;
    await pc.setRemoteDescription({ type: "answer", sdp });
    this.timer("resend", 0, null);
    this.timer("unanswered", 0, null);
    await this.takeEarly(pc);
    this.watch(pc);
  }

  private async onCandidate(candidate: RTCIceCandidateInit | null): Promise<void> {
    const pc = this.pc;
    if (!pc?.remoteDescription) {
      if (candidate && this.early.length < EARLY_CANDIDATES) this.early.push(candidate);
      return;
    }
    await this.add(pc, candidate);
  }

  private async takeEarly(pc: RTCPeerConnection): Promise<void> {
    const early = this.early;
    this.early = [];
    for (const candidate of early) await this.add(pc, candidate);
  }

  private async add(pc: RTCPeerConnection, candidate: RTCIceCandidateInit | null): Promise<void> {
    try {
      await (candidate ? pc.addIceCandidate(candidate) : pc.addIceCandidate());
    } catch (error) {
      // Candidates of an ignored offer or of a replaced connection fit nothing any more.
      if (!this.ignoring && pc.connectionState === "new") console.debug("atrium: candidate not taken", error);
    }
  }

  private putTracks(): void {
    for (const [source, section] of this.sections) {
      const track = this.o.local.track(source);
      if (section.sender.track !== track) section.sender.replaceTrack(track).catch(() => {});
    }
  }

  // --- the state of the path ------------------------------------------------------------------------

  /** From now on a connection is due. */
  private watch(pc: RTCPeerConnection): void {
    if (pc.connectionState === "connected" && pc.iceConnectionState !== "disconnected") return;
    this.timer("ice", ICE_FAILED_MS, () => this.failed(pc));
  }

  private failed(pc: RTCPeerConnection): void {
    if (this.pc !== pc || this.connected || this.reported) return;
    this.reported = true;
    this.needy = true;
    this.o.onFailed();
  }

  private stateChanged(pc: RTCPeerConnection): void {
    if (this.pc !== pc) return;
    switch (pc.connectionState) {
      case "connected":
        for (const name of ["ice", "stall", "yield"]) this.timer(name, 0, null);
        this.needy = false;
        if (!this.wasUp) this.watchDTLS(pc);
        this.wasUp = true;
        this.o.onUp();
        break;
      case "disconnected":
        this.timer("stall", STALL_MS, () => this.mend(this.polite ? 0 : YIELD_MS));
        break;
      case "failed":
        if (this.wasUp) this.mend(this.polite ? 0 : YIELD_MS);
        else this.failed(pc);
        break;
    }
  }

  /** The other side closing shows as the end of DTLS, long before ICE notices. */
  private watchDTLS(pc: RTCPeerConnection): void {
    const transport = this.sections.get("mic")?.sender.transport ?? this.sections.get("camera")?.sender.transport;
    if (!transport) return;
    transport.onstatechange = () => {
      if (this.pc !== pc || (transport.state !== "closed" && transport.state !== "failed")) return;
      this.o.onLost();
    };
  }

  /** Tries again: a new path in the same connection, or all anew where nothing was ever agreed. */
  private mend(afterMs: number): void {
    this.timer("yield", afterMs, () => {
      const pc = this.pc;
      if (!pc || this.connected) return;
      this.run(async () => {
        if (this.pc !== pc || this.connected) return;
        if (pc.remoteDescription && pc.signalingState === "stable") {
          await this.makeOffer(true);
          return;
        }
        this.fresh();
        await this.makeOffer(false);
      });
    });
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
