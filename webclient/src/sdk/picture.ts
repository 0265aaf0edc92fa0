/** A new picture that shows nothing for this long takes the old one's place anyway. */
const PATIENCE_MS = 1000;

/**
 * One place on the page that shows a track. When the track changes, a second video element waits behind the
 * first until it has a frame, so that the picture does not blink.
 */
export class Picture {
  /** The place; fills its parent's box as the page's style says (class `atrium-picture`). */
  readonly element: HTMLElement;
  private shown: HTMLVideoElement | null = null;
  private next: HTMLVideoElement | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.element = document.createElement("div");
    this.element.className = "atrium-picture";
    this.element.style.position = "relative";
    this.element.style.overflow = "hidden";
  }

  show(track: MediaStreamTrack | null): void {
    this.drop(this.next);
    this.next = null;
    clearTimeout(this.timer);
    if (!track) {
      this.drop(this.shown);
      this.shown = null;
      return;
    }
    if (this.shown && trackOf(this.shown) === track) return;
    const video = document.createElement("video");
    video.muted = true; // the voice is played elsewhere; muted video may always play
    video.autoplay = true;
    video.playsInline = true;
    video.style.cssText = "position:absolute;inset:0;width:100%;height:100%;object-fit:cover;z-index:0";
    video.srcObject = new MediaStream([track]);
    this.element.prepend(video);
    video.play().catch(() => {});
    if (!this.shown) {
      this.shown = video;
      return;
    }
    this.next = video;
    this.shown.style.zIndex = "1";
    const swap = () => {
      if (this.next !== video) return;
      clearTimeout(this.timer);
      this.drop(this.shown);
      this.shown = video;
      this.next = null;
    };
    if (typeof video.requestVideoFrameCallback === "function") video.requestVideoFrameCallback(swap);
    else video.addEventListener("loadeddata", swap, { once: true });
    this.timer = setTimeout(swap, PATIENCE_MS);
  }

  close(): void {
    this.show(null);
    this.element.remove();
  }

  private drop(video: HTMLVideoElement | null): void {
    if (!video) return;
    video.srcObject = null;
    video.remove();
  }
}

function trackOf(video: HTMLVideoElement): MediaStreamTrack | undefined {
  return (video.srcObject as MediaStream | null)?.getVideoTracks()[0];
}
