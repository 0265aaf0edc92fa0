import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LocalMedia } from "../local";
import { fingerprintOf, ICE_FAILED_MS, type PairType, PeerLink } from "./peer";

/**
 * The signalling half of an RTCPeerConnection, after the specification's state table: enough to let offers cross.
 * What needs ICE and media is tested in real browsers.
 */
class FakePC {
  static count = 0;
  readonly print = `F${++FakePC.count}`;
  signalingState = "stable";
  connectionState = "new";
  iceConnectionState = "new";
  localDescription: { type: string; sdp: string } | null = null;
  remoteDescription: { type: string; sdp: string } | null = null;
  onicecandidate: unknown = null;
  onconnectionstatechange: (() => void) | null = null;
  closed = false;
  config: unknown = null;
  private serial = 0;
  private readonly sections: unknown[] = [];

  addTransceiver(kind: string) {
    const t = {
      mid: String(this.sections.length),
      direction: "sendrecv",
      receiver: { track: { kind } },
      sender: { track: null, replaceTrack: async () => {}, setStreams: () => {}, transport: null },
    };
    this.sections.push(t);
    return t;
  }
  getTransceivers() {
    return this.sections;
  }
  private describe(type: string) {
    return { type, sdp: `o=${++this.serial}\r\na=fingerprint:sha-256 ${this.print}\r\n` };
  }
  async createOffer() {
    return this.describe("offer");
  }
  async setLocalDescription(d?: { type: string; sdp: string }) {
    this.localDescription = d ?? this.describe(this.signalingState === "have-remote-offer" ? "answer" : "offer");
    this.signalingState = this.localDescription.type === "offer" ? "have-local-offer" : "stable";
  }
  async setRemoteDescription(d: { type: string; sdp: string }) {
    if (d.type === "answer" && this.signalingState !== "have-local-offer") throw new Error("answer in stable");
    this.remoteDescription = d;
    this.signalingState = d.type === "offer" ? "have-remote-offer" : "stable";
    if (d.type === "offer" && this.sections.length === 0)
      for (const k of ["audio", "video", "video"]) this.addTransceiver(k);
  }
  async addIceCandidate() {}
  setConfiguration(c: unknown) {
    this.config = c;
  }
  close() {
    this.closed = true;
  }
  become(state: string) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

interface End {
  link: PeerLink;
  pcs: FakePC[];
  outbox: { type: PairType; payload: { sdp?: string; candidate?: RTCIceCandidateInit | null } }[];
  failed: number;
  pc(): FakePC;
}

function end(self: string, user: string): End {
  const e: End = {
    pcs: [],
    outbox: [],
    failed: 0,
    link: null as unknown as PeerLink,
    pc: () => e.pcs.at(-1) as FakePC,
  };
  e.link = new PeerLink({
    self,
    user,
    local: new LocalMedia({}, () => undefined),
    config: {},
    send: (type, payload) => e.outbox.push({ type, payload: payload as End["outbox"][number]["payload"] }),
    onUp: () => {},
    onFailed: () => e.failed++,
    onLost: () => {},
    onTracks: () => {},
    connection: () => {
      const pc = new FakePC();
      e.pcs.push(pc);
      return pc as unknown as RTCPeerConnection;
    },
  });
  return e;
}

const settle = () => vi.advanceTimersByTimeAsync(0);

/** Delivers what both have sent, until neither says anything more. */
async function exchange(a: End, b: End) {
  for (let i = 0; i < 10; i++) {
    await settle();
    const fromA = a.outbox.splice(0);
    const fromB = b.outbox.splice(0);
    if (fromA.length + fromB.length === 0) return;
    for (const m of fromA) b.link.receive(m.type, m.payload);
    for (const m of fromB) a.link.receive(m.type, m.payload);
  }
  throw new Error("they never come to an end");
}

let low: End;
let high: End;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("MediaStream", class {});
  low = end("a", "b");
  high = end("b", "a");
});

afterEach(() => {
  low.link.close();
  high.link.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const agreed = (a: End, b: End) => {
  expect(a.pc().signalingState).toBe("stable");
  expect(b.pc().signalingState).toBe("stable");
  expect(fingerprintOf(a.pc().remoteDescription?.sdp)).toBe(b.pc().print);
  expect(fingerprintOf(b.pc().remoteDescription?.sdp)).toBe(a.pc().print);
};

describe("negotiation", () => {
  it("one offers, the other answers", async () => {
    high.link.offer();
    await exchange(low, high);
    agreed(low, high);
    expect(low.link.mid("camera")).toBe("1");
  });

  it("offers that cross end in the ruder one's", async () => {
    low.link.offer();
    high.link.offer();
    await exchange(low, high);
    agreed(low, high);
    expect(high.pcs.length).toBe(1); // the higher id kept its own
    expect(high.pc().localDescription?.type).toBe("offer");
    expect(low.pcs[0]?.closed).toBe(true);
  });

  it("a reloaded page replaces the connection, whoever is polite", async () => {
    for (const [stays, reloads, self, user] of [
      [low, high, "b", "a"],
      [end("b", "a"), end("a", "b"), "a", "b"],
    ] as const) {
      reloads.link.offer();
      await exchange(stays, reloads);
      const old = stays.pc();
      reloads.link.close();
      const fresh = end(self, user);
      fresh.link.offer();
      await exchange(stays, fresh);
      agreed(stays, fresh);
      expect(old.closed).toBe(true);
    }
  });

  it("an offer that the former page got is sent again", async () => {
    high.link.offer();
    await settle();
    high.outbox.splice(0); // lost with the page that was reloaded
    await vi.advanceTimersByTimeAsync(2000);
    await exchange(low, high);
    agreed(low, high);
  });

  it("the same offer twice gets the same answer twice", async () => {
    high.link.offer();
    await settle();
    const offer = high.outbox.splice(0)[0];
    if (!offer) throw new Error("no offer");
    low.link.receive(offer.type, offer.payload);
    low.link.receive(offer.type, offer.payload);
    await settle();
    const answers = low.outbox.filter((m) => m.type === "SDP_ANSWER").map((m) => m.payload.sdp);
    expect(answers.length).toBe(2);
    expect(answers[0]).toBe(answers[1]);
    expect(low.pcs.length).toBe(1);
  });

  it("survives what is not SDP", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    low.link.receive("SDP_OFFER", { sdp: "\u2713" });
    await settle();
    expect(warn).toHaveBeenCalled();
    high.link.offer();
    await exchange(low, high);
    agreed(low, high);
    warn.mockRestore();
  });
});

describe("a path that does not come about", () => {
  it("is reported after three seconds, once per try", async () => {
    high.link.offer();
    await exchange(low, high);
    await vi.advanceTimersByTimeAsync(ICE_FAILED_MS - 1);
    expect([low.failed, high.failed]).toEqual([0, 0]);
    await vi.advanceTimersByTimeAsync(1);
    expect([low.failed, high.failed]).toEqual([1, 1]);
    high.pc().become("failed");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(high.failed).toBe(1);
  });

  it("is tried again with new servers by the lower id, and reported a second time", async () => {
    high.link.offer();
    await exchange(low, high);
    await vi.advanceTimersByTimeAsync(ICE_FAILED_MS);
    for (const e of [high, low]) e.link.configure({ iceServers: [{ urls: "turn:x" }] }, true);
    await settle();
    expect(low.outbox.map((m) => m.type)).toEqual(["SDP_OFFER"]);
    await exchange(low, high);
    agreed(low, high);
    expect(low.pcs.length).toBe(1); // an ICE restart of the same connection
    await vi.advanceTimersByTimeAsync(ICE_FAILED_MS);
    expect([low.failed, high.failed]).toEqual([2, 2]);
  });

  it("is not reported once connected, and new servers leave it alone", async () => {
    high.link.offer();
    await exchange(low, high);
    for (const e of [high, low]) e.pc().become("connected");
    for (const e of [high, low]) e.link.configure({ iceServers: [{ urls: "turn:x" }] }, true);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([low.failed, high.failed]).toEqual([0, 0]);
    expect(low.outbox).toEqual([]);
    expect(low.pc().config).toEqual({ iceServers: [{ urls: "turn:x" }] });
  });

  it("that stalls is restarted by the lower id", async () => {
    high.link.offer();
    await exchange(low, high);
    for (const e of [high, low]) e.pc().become("connected");
    for (const e of [high, low]) e.pc().become("disconnected");
    await vi.advanceTimersByTimeAsync(2001);
    expect(low.outbox.map((m) => m.type)).toEqual(["SDP_OFFER"]);
    expect(low.pcs.length).toBe(1);
  });
});
