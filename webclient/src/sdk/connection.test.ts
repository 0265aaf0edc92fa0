import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Backoff } from "./backoff";
import { Connection, verdict } from "./connection";
import type { Problem } from "./problem";

/** The browser's end of a socket; the test plays the server. */
class FakeSocket {
  static all: FakeSocket[] = [];
  readyState = 0;
  bufferedAmount = 0;
  sent: { type: string; payload: Record<string, unknown> }[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((e: { data: unknown }) => void) | null = null;
  onclose: ((e: { code: number; reason: string }) => void) | null = null;

  constructor() {
    FakeSocket.all.push(this);
  }
  send(frame: string) {
    this.sent.push(JSON.parse(frame));
  }
  close() {
    this.readyState = 3;
  }
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
  say(type: string, payload: object) {
    this.onmessage?.({ data: JSON.stringify({ type, payload, protocol_version: 1 }) });
  }
  drop(code: number, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
  types() {
    return this.sent.map((m) => m.type);
  }
}

const user = { user_id: "u", workspace_id: "w", display_name: "Ada", avatar_id: "a" };
const jwt = (exp: number) => `x.${btoa(JSON.stringify({ exp }))}.y`;
const last = () => FakeSocket.all.at(-1) as FakeSocket;
let connection: Connection;
let problems: Problem[];

function make(renewToken?: () => Promise<string>, token = "first") {
  connection = new Connection({
    url: "ws://office/signal",
    token,
    renewToken,
    socket: () => new FakeSocket() as unknown as WebSocket,
    backoff: new Backoff(100, 1000, () => 1),
  });
  problems = [];
  connection.on("problem", (p) => problems.push(p));
}

function welcome(zone = "z") {
  last().say("WORLD_STATE", {
    world_id: "world",
    current_zone: { zone_id: zone, zone_type: "OpenArea", world_id: "world" },
    media_topology: "P2P_DIRECT",
    peers: [],
    position: { x: 0, y: 0 },
    presence_snapshot: [],
    objects: [],
  });
}

async function connected(zone?: string) {
  const opening = connection.open();
  last().open();
  last().say("CONNECTED", { user, server_version: "1", protocol_minor: 1, features: ["topology_changed"] });
  await opening;
  if (zone) {
    connection.join("world");
    welcome(zone);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", { OPEN: 1 });
  FakeSocket.all = [];
});

afterEach(() => {
  connection.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("connecting", () => {
  it("introduces itself with the features that it understands", async () => {
    make();
    await connected();
    expect(last().sent[0]).toMatchObject({
      type: "CONNECT",
      payload: {
        token: "first",
        features: ["topology_changed", "presence_batch", "object_released", "user_muted", "world_changed"],
      },
    });
    expect(connection.state).toBe("connected");
    expect(connection.agreed).toEqual(["topology_changed"]);
  });

  it("keeps trying, ever more slowly, while the server is out of reach", async () => {
    make();
    const opening = connection.open();
    for (const wait of [100, 200, 400, 800, 1000, 1000]) {
      const before = FakeSocket.all.length;
      last().drop(1006);
      await vi.advanceTimersByTimeAsync(wait - 1);
      expect(FakeSocket.all.length).toBe(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(FakeSocket.all.length).toBe(before + 1);
    }
    expect(connection.state).toBe("connecting");
    last().open();
    last().say("CONNECTED", { user, server_version: "1", protocol_minor: 1, features: [] });
    expect(await opening).toEqual(user);
  });

  it("that is broken off rejects", async () => {
    make();
    const refused = expect(connection.open()).rejects.toMatchObject({ problem: { code: "connection-lost" } });
    connection.close();
    await refused;
  });

  it("gives up a try that is not answered in time", async () => {
    make();
    connection.open().catch(() => {});
    last().open();
    await vi.advanceTimersByTimeAsync(10_000 + 100);
    expect(FakeSocket.all.length).toBe(2);
  });
});

describe("a lost connection", () => {
  it("joins the same world again", async () => {
    make();
    await connected("z");
    last().drop(1006);
    expect(connection.state).toBe("reconnecting");
    expect(problems.at(-1)).toMatchObject({ code: "connection-lost", fatal: false });
    await vi.advanceTimersByTimeAsync(100);
    last().open();
    last().say("CONNECTED", { user, server_version: "1", protocol_minor: 1, features: [] });
    expect(last().types()).toEqual(["CONNECT", "JOIN_WORLD"]);
    expect(connection.state).toBe("connected");
  });

  it("keeps negotiation for the same zone, drops presence, and is bounded", async () => {
    make();
    await connected("z");
    last().drop(1006);
    expect(
      connection.send("PRESENCE_UPDATE", { position: { x: 1, y: 1 }, facing: "south", state: "idle", zone_id: "z" }),
    ).toBe(false);
    for (let i = 0; i < 500; i++) connection.send("SDP_ANSWER", { to: "p", sdp: String(i) });
    await vi.advanceTimersByTimeAsync(100);
    last().open();
    last().say("CONNECTED", { user, server_version: "1", protocol_minor: 1, features: [] });
    welcome("z");
    const answers = last().sent.filter((m) => m.type === "SDP_ANSWER");
    expect(answers.length).toBe(200);
    expect(answers.at(-1)?.payload.sdp).toBe("499");
  });

  it("forgets negotiation when it comes back to another zone", async () => {
    make();
    await connected("z");
    last().drop(1006);
    connection.send("SDP_ANSWER", { to: "p", sdp: "x" });
    await vi.advanceTimersByTimeAsync(100);
    last().open();
    last().say("CONNECTED", { user, server_version: "1", protocol_minor: 1, features: [] });
    welcome("spawn");
    expect(last().types()).not.toContain("SDP_ANSWER");
  });
});

describe("tokens", () => {
  it("a refused one is renewed once, then it is over", async () => {
    const renew = vi.fn(async () => "second");
    make(renew);
    const opening = connection.open();
    const refused = expect(opening).rejects.toMatchObject({ problem: { code: "signed-out", fatal: true } });
    last().open();
    last().drop(4401);
    await vi.advanceTimersByTimeAsync(100);
    last().open();
    expect(last().sent[0]?.payload.token).toBe("second");
    last().drop(4401);
    await refused;
    expect(renew).toHaveBeenCalledTimes(1);
    expect(connection.state).toBe("closed");
  });

  it("is renewed on the living connection a minute before its end", async () => {
    const renew = vi.fn(async () => jwt(Date.now() / 1000 + 7200));
    make(renew, jwt(Date.now() / 1000 + 3600));
    await connected("z");
    await vi.advanceTimersByTimeAsync(3_539_000);
    expect(renew).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(renew).toHaveBeenCalledTimes(1);
    expect(last().types()).toEqual(["CONNECT", "JOIN_WORLD", "CONNECT"]);
    last().say("CONNECTED", { user, server_version: "1", protocol_minor: 1, features: [] });
    // Still in the world: nothing is joined again.
    expect(last().types()).toEqual(["CONNECT", "JOIN_WORLD", "CONNECT"]);
  });
});

describe("close codes", () => {
  it.each([
    [4400, "stop", "version"],
    [4401, "renew", "signed-out"],
    [4403, "stop", "kicked"],
    [4408, "retry", "connection-lost"],
    [4409, "stop", "replaced"],
    [4429, "retry", "flooding"],
    [1001, "retry", "connection-lost"],
    [1006, "retry", "connection-lost"],
  ] as const)("%i: %s, told as %s", (code, next, problem) => {
    const v = verdict(code, "");
    expect(v.next).toBe(next);
    expect(v.problem.code).toBe(problem);
    expect(v.problem.message).toMatch(/^[A-Z].*\.$/);
  });

  it("a replaced page does not come back", async () => {
    make();
    await connected("z");
    last().drop(4409);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.all.length).toBe(1);
    expect(connection.state).toBe("closed");
  });
});
