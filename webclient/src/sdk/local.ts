import { Emitter } from "./emitter";
import { OfficeError, type Problem } from "./problem";
import { type PerSource, perSource, SOURCES } from "./sources";
import type { CaptureOptions, LocalState, Source } from "./types";

/** Events of {@link LocalMedia}. */
export interface LocalEvents {
  change: LocalState;
  problem: Problem;
}

/** The browser's part of capturing; replaced in tests. */
export type Devices = Pick<MediaDevices, "getUserMedia" | "getDisplayMedia">;

const names: PerSource<string> = { mic: "microphone", camera: "camera", screen: "screen" };

/** What `getUserMedia` and `getDisplayMedia` reject with, in plain words. Pure. */
export function deviceProblem(source: Source, error: unknown): Problem {
  const name = error instanceof Error ? error.name : "";
  const device = names[source];
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return {
        code: "permission-denied",
        source,
        message:
          source === "screen"
            ? "The screen is not shared: the browser was not given permission."
            : `The browser may not use your ${device}. Allow it in the address bar, then switch it on again.`,
        fatal: false,
      };
    case "NotFoundError":
    case "OverconstrainedError":
      return {
        code: "device-missing",
        source,
        message: `No ${device} was found. Plug one in, then switch it on again; everything else works without it.`,
        fatal: false,
      };
    default:
      return {
        code: "device-busy",
        source,
        message: `The ${device} cannot be opened. Another program may be using it; close that and try again.`,
        fatal: false,
      };
  }
}

/**
 * The page's own microphone, camera and screen: captured once, shared by all connections. Works with none of
 * them. Off means off: the camera's and the screen's capture stop (their light goes out), and of the microphone
 * no packet leaves.
 */
export class LocalMedia extends Emitter<LocalEvents> {
  private readonly tracks: PerSource<MediaStreamTrack | null> = perSource(null);
  /** A later switch outdates an earlier one that is still asking for permission. */
  private readonly turns: PerSource<number> = perSource(0);
  private readonly options: CaptureOptions;
  private readonly devices: () => Devices | undefined;

  constructor(options: CaptureOptions = {}, devices: () => Devices | undefined = () => navigator.mediaDevices) {
    super();
    this.options = { ...options };
    this.devices = devices;
  }

  /** What is on. */
  get state(): LocalState {
    return { mic: this.tracks.mic !== null, camera: this.tracks.camera !== null, screen: this.tracks.screen !== null };
  }

  /** The track that is sent now; null when off. Also good for one's own picture. */
  track(source: Source): MediaStreamTrack | null {
    return this.tracks[source];
  }

  /** Switches the microphone. Rejects with {@link OfficeError}; everything goes on without it. */
  setMic(on: boolean): Promise<void> {
    return this.set("mic", on);
  }

  /** Switches the camera. Rejects with {@link OfficeError}; everything goes on without it. */
  setCamera(on: boolean): Promise<void> {
    return this.set("camera", on);
  }

  /** Shares the screen or ends it. Browsers want this to be called from a click. */
  setScreen(on: boolean): Promise<void> {
    return this.set("screen", on);
  }

  /** Captures from another device, by its deviceId; when the source is on, it changes over without a gap. */
  async useDevice(source: "mic" | "camera", deviceId: string): Promise<void> {
    const kind = source === "mic" ? "audio" : "video";
    this.options[kind] = { ...this.options[kind], deviceId: { exact: deviceId } };
    if (!this.tracks[source]) return;
    await this.capture(source);
  }

  /** Stops every capture. */
  close(): void {
    for (const source of SOURCES) {
      this.turns[source]++;
      this.replace(source, null);
    }
    this.clear();
  }

  private async set(source: Source, on: boolean): Promise<void> {
    if (on === (this.tracks[source] !== null)) return;
    if (on) {
      await this.capture(source);
      return;
    }
    this.turns[source]++;
    this.replace(source, null);
  }

  private async capture(source: Source): Promise<void> {
    const turn = ++this.turns[source];
    const devices = this.devices();
    if (!devices) {
      throw this.problem({
        code: "insecure-page",
        source,
        message: `The browser gives the ${names[source]} only to secure pages. Open the office by https or on this machine.`,
        fatal: false,
      });
    }
    let stream: MediaStream;
    try {
      stream = await this.ask(devices, source);
    } catch (error) {
      throw this.problem(deviceProblem(source, error));
    }
    const track = stream.getTracks()[0];
    if (!track) throw this.problem(deviceProblem(source, null));
    if (turn !== this.turns[source]) {
      track.stop(); // switched off while the permission was asked for
      return;
    }
    track.contentHint = source === "screen" ? "detail" : track.contentHint;
    track.addEventListener("ended", () => this.ended(source, track));
    this.replace(source, track);
  }

  private ask(devices: Devices, source: Source): Promise<MediaStream> {
    switch (source) {
      case "mic":
        return devices.getUserMedia({
          audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...this.options.audio },
        });
      case "camera":
        return devices.getUserMedia({
          video: { width: 640, height: 360, frameRate: 24, ...this.options.video },
        });
      case "screen":
        return devices.getDisplayMedia({ video: { frameRate: { max: 15 }, ...this.options.screen } });
    }
  }

  private replace(source: Source, track: MediaStreamTrack | null): void {
    const former = this.tracks[source];
    if (former === track) return;
    this.tracks[source] = track;
    // Listeners put the new track on the senders before the old one stops, so that no picture freezes between.
    this.emit("change", this.state);
    former?.stop();
  }

  /** The browser ended it: unplugged, permission withdrawn, or "stop sharing". */
  private ended(source: Source, track: MediaStreamTrack): void {
    if (this.tracks[source] !== track) return;
    this.replace(source, null);
    if (source === "screen") return; // "stop sharing" is a wish, not a problem
    this.problem({
      code: "device-lost",
      source,
      message: `The ${names[source]} is gone (unplugged or taken back). Switch it on again to use another one.`,
      fatal: false,
    });
  }

  private problem(problem: Problem): OfficeError {
    this.emit("problem", problem);
    return new OfficeError(problem);
  }
}
