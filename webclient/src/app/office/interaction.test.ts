import { beforeEach, expect, it, vi } from "vitest";
import { type Action, type ObjectDescription, type Office, OfficeError } from "../../sdk";
import { Emitter } from "../../sdk/emitter";
import type { OfficeEvents } from "../../sdk/options";
import { Grid } from "../map/grid";
import { worldOf } from "../map/testworld";
import type { Pose } from "../map/walker";
import { type Body, Interaction } from "./interaction";
import type { Refusal } from "./refusals";

const thing = (id: string, x: number, y: number, action: Action, document: string | null = null) =>
  ({
    object_id: id,
    name: id,
    kind: id,
    zone_id: "open",
    position: { x, y },
    actions: [action],
    solid: action !== "sit",
    roles: null,
    document_id: document,
  }) as ObjectDescription;

const chair = thing("chair", 5, 2, "sit");
const board = thing("board", 1, 1, "use", "doc");
const grid = new Grid({
  ...worldOf(["########", "#......#", "#......#", "########"]),
  zones: [{ zone_id: "open", name: "Hall", zone_type: "OpenArea", areas: [], capacity: null, roles: null }],
  objects: [chair, board],
});

/** What the interaction uses of an office; the test plays the server. */
class FakeOffice extends Emitter<OfficeEvents> {
  state = "connected";
  zone = { zone_id: "open" };
  self = { user: { user_id: "me" } };
  role = "guest";
  peers = new Map();
  objects = new Map<string, string>();
  holding = new Map<string, Action>();
  asked: { id: string; answer: (error?: OfficeError) => void }[] = [];

  interact(id: string, action: Action): Promise<void> {
    return new Promise((resolve, reject) => {
      const answer = (error?: OfficeError) => {
        if (error) return reject(error);
        this.holding.set(id, action);
        this.hold(id, "me");
        resolve();
      };
      this.asked.push({ id, answer });
    });
  }

  endInteraction(id: string): boolean {
    const held = this.holding.delete(id);
    if (held) this.hold(id, null);
    return held;
  }

  hold(objectId: string, holder: string | null): void {
    if (holder) this.objects.set(objectId, holder);
    else this.objects.delete(objectId);
    this.emit("object", { objectId, holder });
  }
}

let office: FakeOffice;
let pose: Pose;
let body: Body & { walkTo: ReturnType<typeof vi.fn> };
let hands: Interaction;
let told: Refusal[];

beforeEach(() => {
  office = new FakeOffice();
  pose = { x: 2.5, y: 2.5, facing: "south", state: "idle" };
  told = [];
  body = {
    get pose() {
      return pose;
    },
    busy: false,
    walkTo: vi.fn(() => true),
    sit: (at, facing) => {
      pose = { ...at, facing, state: "sitting" };
    },
    face: (facing) => {
      pose = { ...pose, facing };
    },
    rise: () => {
      pose = { ...pose, state: "idle" };
    },
    occupied: () => false,
  };
  hands = new Interaction({
    office: office as unknown as Office,
    grid: () => grid,
    changed: () => {},
    refused: (r) => told.push(r),
  });
  hands.attach(body);
});

async function seated(): Promise<void> {
  pose = { ...pose, x: 4.5 };
  hands.step();
  hands.press();
  office.asked[0]?.answer();
  await vi.waitFor(() => expect(pose.state).toBe("sitting"));
}

it("walks to what is far, asks when it is near, and sits", async () => {
  hands.use(chair);
  expect(body.walkTo).toHaveBeenCalledWith({ x: 5.5, y: 2.5 });
  expect(office.asked).toEqual([]);
  await seated();
  expect(office.asked).toHaveLength(1);
  expect(pose).toMatchObject({ x: 5.5, y: 2.5 });
  expect(hands.offer).toMatchObject({ object: chair, end: true });
  hands.press();
  expect([office.holding.size, pose.state]).toEqual([0, "idle"]);
});

it("lets go by walking away", async () => {
  await seated();
  pose = { ...pose, x: 5.6, state: "walking" };
  hands.step();
  expect(office.holding.size).toBe(0);
});

it("does not keep what it does not want any more when it is granted", async () => {
  pose = { ...pose, x: 4.5 };
  hands.use(chair);
  hands.cancel();
  office.asked[0]?.answer();
  await vi.waitFor(() => expect(office.objects.size).toBe(0));
  expect(pose.state).toBe("idle");
});

it("says why not, once, and gives up where there is no way", async () => {
  pose = { ...pose, x: 4.5 };
  hands.use(chair);
  const details = { reason: "occupied" };
  office.asked[0]?.answer(new OfficeError({ code: "request-refused", message: "", details, fatal: false }));
  await vi.waitFor(() => expect(told).toHaveLength(1));
  office.objects.set("chair", "ada");
  hands.use(chair);
  expect(told[1]?.title).toBe("You cannot sit here");
  office.objects.clear();
  pose = { ...pose, x: 1.5 };
  hands.use(chair);
  for (let i = 0; i < 10; i++) hands.step();
  expect(told).toHaveLength(3);
});

it("takes up again what a page before this one held", async () => {
  pose = { ...pose, x: 5.5 };
  office.hold("chair", "me");
  office.asked[0]?.answer();
  await vi.waitFor(() => expect(pose.state).toBe("sitting"));
});

it("goes back to its seat after a connection that was away for too long", async () => {
  await seated();
  office.emit("state", { state: "reconnecting", reason: "" });
  office.holding.clear();
  office.objects.clear();
  pose = { x: 1.5, y: 2.5, facing: "south", state: "idle" };
  office.emit("zone", { zone: office.zone as never, resumed: false, sent: false });
  hands.step();
  expect(body.walkTo).toHaveBeenLastCalledWith({ x: 5.5, y: 2.5 });
});

it("opens a board's document for everybody at once, and keeps it open wherever one walks", () => {
  pose = { x: 1.5, y: 2.5, facing: "north", state: "idle" };
  office.hold("board", "ada"); // a client that holds boards keeps nobody from reading
  hands.use(board);
  expect(hands.document).toEqual({ documentId: "doc", objectId: "board", name: "board" });
  expect([office.asked, told]).toEqual([[], []]);
  expect(hands.offer).toMatchObject({ object: board, end: true });
  pose = { x: 5.5, y: 1.5, facing: "north", state: "walking" };
  hands.step();
  expect(hands.document?.documentId).toBe("doc");
  pose = { x: 1.5, y: 2.5, facing: "north", state: "idle" };
  hands.step();
  hands.press();
  expect(hands.document).toBeUndefined();
  expect(hands.offer).toMatchObject({ object: board, end: false });
});

it("keeps a board's document from those whom its roles leave out", () => {
  pose = { x: 1.5, y: 2.5, facing: "north", state: "idle" };
  hands.use({ ...board, roles: ["member"] });
  expect(hands.document).toBeUndefined();
  expect(told).toMatchObject([{ text: expect.stringContaining("members") }]);
});
