import { beforeEach, describe, expect, it } from "vitest";
import type { Way } from "../types";
import { type Aim, Handover } from "./handover";

let peer: Handover;

const aim = (goal: Way, inForce: Way, sfuUp = true): Aim => ({ goal, inForce, sfuUp });
/** The microphone in a slot. */
const slotted = (active = true) => peer.slots([{ user: "a", source: "mic", active }]);
const chosen = (a: Aim) => {
  peer.choose(a);
  return peer.way("mic");
};

beforeEach(() => {
  peer = new Handover();
});

describe("the way of a source", () => {
  it("is none while neither way lives", () => {
    expect(chosen(aim("p2p", "p2p"))).toBeNull();
    expect(chosen(aim("sfu", "sfu"))).toBeNull();
  });

  it("is the only one that lives, wanted or not", () => {
    peer.relink("opening");
    expect(chosen(aim("sfu", "sfu"))).toBe("p2p");
    peer.relink("none");
    slotted();
    expect(chosen(aim("p2p", "p2p"))).toBe("sfu");
    expect(chosen(aim("p2p", "p2p", false))).toBeNull();
  });

  it("stays until the wanted one delivers", () => {
    peer.relink("opening");
    peer.flow("mic", "p2p", true);
    peer.choose(aim("p2p", "p2p"));
    slotted();
    expect(chosen(aim("sfu", "sfu"))).toBe("p2p");
    peer.flow("mic", "sfu", true);
    expect(peer.choose(aim("sfu", "sfu"))).toEqual(["mic"]);
    expect(peer.way("mic")).toBe("sfu");
    // A pause of the new way is no reason to go back.
    peer.flow("mic", "sfu", false);
    expect(peer.choose(aim("sfu", "sfu"))).toEqual([]);
  });

  it("of someone silent changes with the commit, not before it", () => {
    peer.relink("opening");
    peer.choose(aim("p2p", "p2p"));
    slotted(false);
    expect(chosen(aim("sfu", "p2p"))).toBe("p2p");
    expect(chosen(aim("sfu", "sfu"))).toBe("sfu");
  });
});

describe("what arrives", () => {
  it("is active by the way that is taken, by SLOTS for the SFU", () => {
    expect(peer.active("mic")).toBe(false);
    peer.relink("opening");
    peer.choose(aim("p2p", "p2p"));
    peer.flow("mic", "p2p", true);
    slotted(false);
    expect(peer.active("mic")).toBe(true);
    peer.relink("none");
    peer.choose(aim("sfu", "sfu"));
    expect(peer.active("mic")).toBe(false);
    slotted();
    expect(peer.active("mic")).toBe(true);
  });

  it("of a former connection does not count for the next one", () => {
    peer.relink("opening");
    peer.flow("mic", "p2p", true);
    peer.relink("none");
    peer.relink("opening");
    peer.choose(aim("p2p", "p2p"));
    expect(peer.active("mic")).toBe(false);
  });

  it("has all arrived by the SFU when what was heard, and every active slot, has", () => {
    expect(peer.arrivedBySFU()).toBe(true);
    peer.flow("camera", "p2p", true);
    expect(peer.arrivedBySFU()).toBe(false);
    peer.flow("camera", "p2p", false);
    slotted();
    expect(peer.arrivedBySFU()).toBe(false);
    peer.flow("mic", "sfu", true);
    expect(peer.arrivedBySFU()).toBe(true);
  });

  it("has all arrived by peer to peer when what the SFU still brings has", () => {
    slotted();
    expect(peer.arrivedByP2P()).toBe(true);
    peer.flow("mic", "sfu", true);
    expect(peer.arrivedByP2P()).toBe(false);
    slotted(false);
    expect(peer.arrivedByP2P()).toBe(true);
    slotted();
    peer.flow("mic", "p2p", true);
    expect(peer.arrivedByP2P()).toBe(true);
  });
});
