/**
 * A young path jitters (probing, key frames, two ways at once), and setting a connection up makes the machine busy.
 * For the first seconds the jitter buffers get this much room, so that they need not invent sound; then they adapt
 * by themselves again.
 */
export const CUSHION_MS = 120;
export const YOUNG_MS = 4000;

/** The room in the jitter buffers of all connections. `now` is the page's monotonic time. */
export class Cushion {
  private youngUntil = 0;
  private given = false;

  /** A path begins or changes. */
  renew(connections: Iterable<RTCPeerConnection>, now: number): void {
    this.youngUntil = now + YOUNG_MS;
    this.apply(connections, now);
  }

  /** Gives the room to receivers that are new since, and takes it back in time. */
  apply(connections: Iterable<RTCPeerConnection>, now: number): void {
    const young = now < this.youngUntil;
    if (!young && !this.given) return;
    this.given = young;
    const target = young ? CUSHION_MS : null;
    for (const pc of connections) {
      for (const receiver of pc.getReceivers()) {
        if (receiver.track.kind !== "audio" || !("jitterBufferTarget" in receiver)) continue;
        if (receiver.jitterBufferTarget !== target) receiver.jitterBufferTarget = target;
      }
    }
  }
}
