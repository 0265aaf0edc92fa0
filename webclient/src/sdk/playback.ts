import { Emitter } from "./emitter";
import type { Office } from "./office";
import { Picture } from "./picture";
import type { Peer } from "./types";

/** What plays of one peer. */
interface Voice {
  /** What is heard now. */
  element: HTMLAudioElement;
  track: MediaStreamTrack;
  /** Takes over as soon as it plays. */
  next: { element: HTMLAudioElement; track: MediaStreamTrack } | null;
}

export interface PlaybackEvents {
  /** What the browser had held back (the problem `autoplay-blocked`) is heard. */
  heard: undefined;
}

/** What a browser takes for a sign that somebody is there. */
const GESTURES = ["pointerup", "keydown"];

/** Optional helper: plays the others' audio and shows their pictures, without a click or a blink at hand-overs. */
export class Playback extends Emitter<PlaybackEvents> {
  private readonly office: Office;
  private readonly voices = new Map<string, Voice>();
  private readonly pictures = new Map<string, Picture>();
  private readonly off: (() => void)[];
  private loudness = 1;
  private blocked = false;
  private readonly again = () => {
    if (this.blocked) void this.resume();
  };

  /** Plays every peer's audio from now on. */
  constructor(office: Office) {
    super();
    this.office = office;
    this.off = [
      office.on("media", ({ peer, media }) => {
        if (media.source === "mic") this.hear(peer);
        else this.pictures.get(`${peer.user.user_id} ${media.source}`)?.show(media.track);
      }),
      office.on("peer-left", ({ peer }) => this.forget(peer.user.user_id)),
      // Whoever is recorded may be played to.
      office.on("local", this.again),
    ];
    for (const gesture of GESTURES) globalThis.addEventListener?.(gesture, this.again);
    for (const peer of office.peers.values()) this.hear(peer);
  }

  /** The volume of everything, 0 to 1. */
  get volume(): number {
    return this.loudness;
  }

  set volume(volume: number) {
    this.loudness = Math.min(1, Math.max(0, volume));
    for (const v of this.voices.values()) v.element.volume = this.loudness;
  }

  /** An element that shows a peer's camera or screen, always the same one per peer and source; put it anywhere. */
  video(userId: string, source: "camera" | "screen" = "camera"): HTMLElement {
    const key = `${userId} ${source}`;
    let picture = this.pictures.get(key);
    if (!picture) {
      picture = new Picture();
      this.pictures.set(key, picture);
      picture.show(this.office.peers.get(userId)?.media[source].track ?? null);
    }
    return picture.element;
  }

  /** After the problem `autoplay-blocked`: the next click or key does it anywhere on the page; false: not yet. */
  async resume(): Promise<boolean> {
    const played = await Promise.allSettled([...this.voices.values()].map((v) => v.element.play()));
    if (played.some((p) => p.status === "rejected" && isBlocked(p.reason))) return false;
    if (this.blocked) {
      this.blocked = false;
      this.emit("heard", undefined);
    }
    return true;
  }

  close(): void {
    for (const gesture of GESTURES) globalThis.removeEventListener?.(gesture, this.again);
    for (const off of this.off) off();
    for (const user of [...this.voices.keys()]) this.silence(user);
    for (const picture of this.pictures.values()) picture.close();
    this.pictures.clear();
  }

  private hear(peer: Peer): void {
    const user = peer.user.user_id;
    const track = peer.media.mic.track;
    const voice = this.voices.get(user);
    if (!track) {
      this.silence(user);
      return;
    }
    if (!voice) {
      const element = this.audio(track);
      element.muted = peer.mutedUntil !== null;
      this.voices.set(user, { element, track, next: null });
      element.play().catch((e) => this.refused(e));
      return;
    }
    voice.element.muted = peer.mutedUntil !== null;
    if (voice.track === track) {
      this.stop(voice.next?.element);
      voice.next = null;
      return;
    }
    if (voice.next?.track === track) return;
    this.stop(voice.next?.element);
    // Started silently beside the old one; of two ways with the same voice only one is heard.
    const element = this.audio(track);
    element.muted = true;
    const next = { element, track };
    voice.next = next;
    const takeOver = () => {
      if (voice.next !== next || this.voices.get(user) !== voice) return;
      const old = voice.element;
      voice.element = element;
      voice.track = track;
      voice.next = null;
      element.muted = (this.office.peers.get(user)?.mutedUntil ?? null) !== null;
      old.muted = true;
      this.stop(old);
    };
    element.play().then(takeOver, (e) => {
      takeOver();
      this.refused(e);
    });
  }

  private audio(track: MediaStreamTrack): HTMLAudioElement {
    const element = new Audio();
    element.srcObject = new MediaStream([track]);
    element.volume = this.loudness;
    return element;
  }

  private refused(error: unknown): void {
    if (!isBlocked(error) || this.blocked) return;
    this.blocked = true;
    this.office.emit("problem", {
      code: "autoplay-blocked",
      message: "The browser plays no sound until you click. Click to hear the others.",
      fatal: false,
    });
  }

  private silence(user: string): void {
    const voice = this.voices.get(user);
    if (!voice) return;
    this.voices.delete(user);
    this.stop(voice.element);
    this.stop(voice.next?.element);
  }

  private forget(user: string): void {
    this.silence(user);
    for (const source of ["camera", "screen"]) {
      this.pictures.get(`${user} ${source}`)?.close();
      this.pictures.delete(`${user} ${source}`);
    }
  }

  private stop(element: HTMLAudioElement | undefined): void {
    if (!element) return;
    element.pause();
    element.srcObject = null;
  }
}

function isBlocked(error: unknown): boolean {
  return error instanceof Error && error.name === "NotAllowedError";
}
