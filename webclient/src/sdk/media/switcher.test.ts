import { beforeEach, describe, expect, it } from "vitest";
import type { Source, Way } from "../types";
import type { SwitchAction, SwitchEvent } from "./decisions";
import { LINGER_MS, QUIT_MS, RELEASE_MS, Switcher } from "./switcher";

// "m" is this page: politer than "z", ruder than "a".
let s: Switcher;
let log: SwitchAction[];

const on = (...events: SwitchEvent[]) => {
  log = events.flatMap((e) => s.handle(e));
  return log;
};
const did = (what: SwitchAction["do"]) => log.filter((a) => a.do === what);
const enter = (media: "P2P_DIRECT" | "P2P_TURN" | "SFU", peers = ["a", "z"], resumed = false): SwitchEvent => ({
  type: "entered",
  zone: "zone",
  media,
  peers,
  resumed,
});
const promote: SwitchEvent = { type: "promote", zone: "zone", url: "wss://sfu", token: "t" };
const flow = (user: string, way: Way, delivered = true, source: Source = "mic"): SwitchEvent => ({
  type: "flow",
  user,
  source,
  way,
  delivered,
});
const slots = (...users: string[]): SwitchEvent => ({
  type: "slots",
  slots: users.map((user) => ({ user, source: "mic", active: true })),
});
const topology = (
  media: "P2P_DIRECT" | "P2P_TURN" | "SFU",
  reason: "promoted" | "demoted" | "relay" | "direct" | "rolled_back",
): SwitchEvent => ({ type: "topology", zone: "zone", media, epoch: 2, reason });

/** Two peers connected and heard by P2P. */
function talking() {
  on(enter("P2P_DIRECT"), { type: "link-up", user: "a" }, { type: "link-up", user: "z" });
  on(flow("a", "p2p"), flow("z", "p2p"));
}

/** In the SFU, committed and released. */
function inSFU() {
  talking();
  on(promote, { type: "sfu-up" }, slots("a", "z"), { type: "sfu-delivers" });
  on(flow("a", "sfu"), flow("z", "sfu"), topology("SFU", "promoted"));
  on({ type: "timer", name: "linger" }, { type: "timer", name: "release" });
}

beforeEach(() => {
  s = new Switcher("m");
  log = [];
});

describe("arriving", () => {
  it("offers to everyone listed, in a P2P zone", () => {
    on(enter("P2P_DIRECT"));
    expect(did("open")).toEqual([
      { do: "open", user: "a" },
      { do: "open", user: "z" },
    ]);
    expect(s.way("a", "mic")).toBe("p2p");
    expect(s.topology.changing).toBeNull();
  });

  it("offers to nobody in an SFU zone, and dials when told", () => {
    on(enter("SFU"));
    expect(did("open")).toEqual([]);
    expect(s.topology.changing).toBe("SFU");
    on(promote);
    expect(did("dial")).toEqual([{ do: "dial", url: "wss://sfu", token: "t" }]);
    on({ type: "sfu-up" }, slots("a"));
    expect(s.way("a", "mic")).toBe("sfu");
    on({ type: "sfu-delivers" });
    expect(did("report-connected")).toHaveLength(1);
    expect(s.topology.changing).toBeNull();
  });

  it("waits for the offer of someone who comes later, and offers when none comes", () => {
    on(enter("P2P_DIRECT", []));
    on({ type: "peer-joined", user: "z" });
    expect(did("open")).toEqual([]);
    expect(did("set-timer")).toHaveLength(1);
    on({ type: "offered", user: "z" });
    expect(did("accept")).toEqual([{ do: "accept", user: "z" }]);
    expect(did("clear-timer")).toHaveLength(1);
    on({ type: "peer-joined", user: "y" }, { type: "timer", name: "expect:y" });
    expect(did("open")).toEqual([{ do: "open", user: "y" }]);
  });

  it("answers nobody who is not in the zone", () => {
    on(enter("P2P_DIRECT", []));
    on({ type: "offered", user: "stranger" });
    expect(log).toEqual([]);
  });
});

describe("promotion", () => {
  it("keeps the old way until the new one delivers, person by person", () => {
    talking();
    on(promote, { type: "sfu-up" }, slots("a", "z"));
    expect(did("close")).toEqual([]);
    expect(s.way("a", "mic")).toBe("p2p");
    expect(s.topology.changing).toBe("SFU");
    on(flow("a", "sfu"));
    expect(did("use")).toEqual([{ do: "use", user: "a", source: "mic", way: "sfu" }]);
    expect(s.way("z", "mic")).toBe("p2p");
  });

  it("reports once the SFU delivers, and again when it is asked again", () => {
    talking();
    on(promote, { type: "sfu-up" });
    expect(did("report-connected")).toEqual([]);
    on({ type: "sfu-delivers" }, { type: "sfu-delivers" });
    expect(did("report-connected")).toHaveLength(1);
    on(promote);
    expect(did("report-connected")).toHaveLength(1);
    expect(did("hang-up")).toEqual([]);
  });

  it("closes nothing before the commit, even when all has arrived", () => {
    talking();
    on(promote, { type: "sfu-up" }, slots("a", "z"), { type: "sfu-delivers" }, flow("a", "sfu"), flow("z", "sfu"));
    expect(did("close")).toEqual([]);
  });

  it("closes a pair after the commit when its slots have delivered, others at the deadline", () => {
    talking();
    on(promote, { type: "sfu-up" }, slots("a", "z"), { type: "sfu-delivers" }, flow("a", "sfu"));
    on(topology("SFU", "promoted"));
    expect(did("set-timer")).toEqual([
      { do: "set-timer", name: "linger", ms: LINGER_MS },
      { do: "set-timer", name: "release", ms: RELEASE_MS },
    ]);
    expect(did("close")).toEqual([]);
    on({ type: "timer", name: "linger" });
    expect(did("close")).toEqual([{ do: "close", user: "a" }]);
    on({ type: "timer", name: "release" });
    expect(did("close")).toEqual([{ do: "close", user: "z" }]);
    expect(s.way("z", "mic")).toBe("sfu");
  });

  it("does not wait for what was silent before", () => {
    on(enter("P2P_DIRECT", ["a"]), { type: "link-up", user: "a" });
    on(promote, { type: "sfu-up" }, { type: "slots", slots: [] }, { type: "sfu-delivers" });
    on(topology("SFU", "promoted"), { type: "timer", name: "linger" });
    expect(did("close")).toEqual([{ do: "close", user: "a" }]);
  });

  it("rolled back: plays peer to peer again, offers to nobody it is connected with, and hangs up", () => {
    talking();
    on(promote, { type: "sfu-up" }, slots("a", "z"), { type: "sfu-delivers" }, flow("a", "sfu"));
    on(topology("P2P_DIRECT", "rolled_back"));
    expect(did("use")).toEqual([{ do: "use", user: "a", source: "mic", way: "p2p" }]);
    expect(did("open")).toEqual([]);
    expect(did("report-disconnected")).toEqual([]);
    on({ type: "timer", name: "quit" });
    expect(did("hang-up")).toHaveLength(1);
    expect(s.topology).toMatchObject({ media: "P2P_DIRECT", changing: null });
  });

  it("rolled back: who came meanwhile offers as if just arrived", () => {
    on(enter("SFU", ["a", "z"]), promote);
    on(topology("P2P_DIRECT", "rolled_back"));
    expect(did("open")).toEqual([
      { do: "open", user: "a" },
      { do: "open", user: "z" },
    ]);
    expect(did("hang-up")).toHaveLength(1);
  });

  it("rolled back: waits for the offer of who came meanwhile", () => {
    talking();
    on(promote, { type: "peer-joined", user: "new" });
    on(topology("P2P_DIRECT", "rolled_back"));
    expect(did("open")).toEqual([]);
    expect(did("set-timer")).toMatchObject([{ name: "expect:new" }]);
  });
});

describe("demotion", () => {
  it("connects first (the lower id offers), hands over, reports, and leaves the SFU up for the others", () => {
    inSFU();
    on(topology("P2P_DIRECT", "demoted"));
    expect(did("open")).toEqual([{ do: "open", user: "z" }]);
    expect(s.way("z", "mic")).toBe("sfu");
    on({ type: "offered", user: "a" }, { type: "link-up", user: "a" }, { type: "link-up", user: "z" });
    expect(did("report-disconnected")).toEqual([]);
    on(flow("a", "p2p"));
    expect(s.way("a", "mic")).toBe("p2p");
    expect(did("report-disconnected")).toEqual([]);
    on(flow("z", "p2p"));
    expect(did("report-disconnected")).toEqual([{ do: "report-disconnected", zone: "zone", reason: "manual" }]);
    expect(did("hang-up")).toEqual([]);
    expect(did("set-timer")).toEqual([{ do: "set-timer", name: "quit", ms: QUIT_MS }]);
    on({ type: "sfu-released" });
    expect(did("hang-up")).toHaveLength(1);
    expect(s.topology.changing).toBeNull();
  });

  it("does not report while a pair has no connection", () => {
    inSFU();
    on(topology("P2P_DIRECT", "demoted"), { type: "link-up", user: "z" }, flow("z", "p2p"));
    expect(did("report-disconnected")).toEqual([]);
    on({ type: "peer-left", user: "a" });
    expect(did("report-disconnected")).toHaveLength(1);
  });

  it("rolled back: plays by the SFU again and lets the new pairs go", () => {
    inSFU();
    on(topology("P2P_DIRECT", "demoted"), { type: "link-up", user: "z" }, flow("z", "p2p"));
    expect(s.way("z", "mic")).toBe("p2p");
    on(topology("SFU", "rolled_back"));
    expect(s.way("z", "mic")).toBe("sfu");
    expect(did("hang-up")).toEqual([]);
    on({ type: "timer", name: "linger" });
    expect(did("close")).toContainEqual({ do: "close", user: "z" });
  });
});

describe("losses", () => {
  it("a lost session is reported, and a fresh promotion dials", () => {
    inSFU();
    on({ type: "sfu-lost" });
    expect(did("report-disconnected")).toEqual([{ do: "report-disconnected", zone: "zone", reason: "error" }]);
    expect(s.way("a", "mic")).toBeNull();
    on(promote);
    expect(did("dial")).toHaveLength(1);
    on({ type: "sfu-fresh" }, { type: "sfu-up" }, slots("a", "z"), { type: "sfu-delivers" });
    expect(did("report-connected")).toHaveLength(1);
    expect(s.way("a", "mic")).toBe("sfu");
  });

  it("a link that needs a fresh token is reported while its media plays on", () => {
    inSFU();
    on({ type: "sfu-needs-token" });
    expect(did("report-disconnected")).toHaveLength(1);
    expect(did("hang-up")).toEqual([]);
    expect(s.way("a", "mic")).toBe("sfu");
    on(promote);
    expect(did("dial")).toHaveLength(1);
    on({ type: "sfu-up" });
    expect(did("report-connected")).toHaveLength(1);
  });

  it("a connection that the other side closed is made again by the lower id", () => {
    talking();
    on({ type: "link-lost", user: "z" });
    expect(did("open")).toEqual([{ do: "open", user: "z" }]);
    on({ type: "link-lost", user: "a" });
    expect(did("open")).toEqual([]);
    expect(did("set-timer")).toMatchObject([{ name: "expect:a" }]);
  });

  it("coming back keeps living pairs and offers only where nothing lives", () => {
    talking();
    on(enter("P2P_DIRECT", ["a", "z", "new"], true));
    expect(did("open")).toEqual([{ do: "open", user: "new" }]);
    expect(did("close")).toEqual([]);
  });

  it("coming back to fewer people gives the missing their grace", () => {
    talking();
    on(enter("P2P_DIRECT", ["z"], true));
    expect(did("close")).toEqual([]);
    on({ type: "timer", name: "absent" });
    expect(did("close")).toEqual([{ do: "close", user: "a" }]);
  });

  it("coming back to a zone that has left the SFU lets no pair go that has just been made", () => {
    talking();
    on(promote, { type: "sfu-up" }, slots("a", "z"), { type: "sfu-delivers" }, topology("SFU", "promoted"));
    on(enter("P2P_DIRECT", ["a", "z"], true));
    expect(did("clear-timer").map((a) => "name" in a && a.name)).toEqual(["linger", "release"]);
  });

  it("someone missing who comes back is not connected anew", () => {
    talking();
    on(enter("P2P_DIRECT", [], true));
    on({ type: "peer-joined", user: "a" });
    expect(log).toEqual([]);
    on({ type: "timer", name: "absent" });
    expect(did("close")).toEqual([{ do: "close", user: "z" }]);
  });

  it("another zone begins with nothing", () => {
    inSFU();
    on({ ...enter("P2P_DIRECT", ["y"]), zone: "other" } as SwitchEvent);
    expect(did("hang-up")).toHaveLength(1);
    expect(did("open")).toEqual([{ do: "open", user: "y" }]);
    on(promote); // of the zone that was left
    expect(log).toEqual([]);
  });
});

describe("relay", () => {
  it("does nothing to pairs that work", () => {
    talking();
    on(topology("P2P_TURN", "relay"));
    expect(log).toEqual([]);
    expect(s.topology.media).toBe("P2P_TURN");
  });

  it("back to direct asks which pairs are relayed", () => {
    talking();
    on(topology("P2P_TURN", "relay"), topology("P2P_DIRECT", "direct"));
    expect(log).toEqual([{ do: "check-relayed" }]);
  });
});
