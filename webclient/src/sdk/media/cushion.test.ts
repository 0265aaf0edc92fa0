import { expect, it } from "vitest";
import { CUSHION_MS, Cushion, YOUNG_MS } from "./cushion";

const receiver = (kind: string) => ({ track: { kind }, jitterBufferTarget: null as number | null });

it("gives sound its room while a path is young, also to receivers that come later, and takes it back once", () => {
  const receivers = [receiver("audio"), receiver("video")];
  const pcs = [{ getReceivers: () => receivers }] as unknown as RTCPeerConnection[];
  const targets = () => receivers.map((r) => r.jitterBufferTarget);
  const cushion = new Cushion();
  cushion.renew(pcs, 0);
  expect(targets()).toEqual([CUSHION_MS, null]);
  receivers.push(receiver("audio"));
  cushion.apply(pcs, YOUNG_MS - 1);
  expect(targets()).toEqual([CUSHION_MS, null, CUSHION_MS]);
  cushion.apply(pcs, YOUNG_MS);
  expect(targets()).toEqual([null, null, null]);
  // What someone else sets later is theirs.
  for (const r of receivers) r.jitterBufferTarget = 7;
  cushion.apply(pcs, YOUNG_MS + 1);
  expect(targets()).toEqual([7, 7, 7]);
});
