import { beforeEach, expect, it } from "vitest";
import { Asks } from "./asks";
import { Objects } from "./objects";
import type { ZoneMessage } from "./protocol";

const sent: [string, object][] = [];
const changed: [string, string | null][] = [];
let online: boolean;
let objects: Objects;

const granted = (object_id: string, lock_id: string) =>
  objects.message({ type: "INTERACT_GRANTED", payload: { object_id, lock_id } });

beforeEach(() => {
  sent.length = 0;
  changed.length = 0;
  online = true;
  objects = new Objects({
    asks: new Asks(),
    self: () => "me",
    send: (type, payload) => {
      if (online) sent.push([type, payload]);
      return online;
    },
    changed: (object, holder) => changed.push([object, holder]),
  });
});

it("holds what is granted until it is given back", async () => {
  const asked = objects.request("chair", "sit");
  granted("chair", "lock");
  await asked;
  expect([...objects.held]).toEqual([["chair", "sit"]]);
  expect(objects.end("chair")).toBe(true);
  expect(sent).toEqual([
    ["INTERACT_REQUEST", { object_id: "chair", action: "sit" }],
    ["INTERACT_END", { object_id: "chair", lock_id: "lock" }],
  ]);
  expect(objects.end("chair")).toBe(false);
  expect(changed).toEqual([
    ["chair", "me"],
    ["chair", null],
  ]);
});

it("says why not", async () => {
  const asked = expect(objects.request("chair", "sit")).rejects.toMatchObject({
    problem: { code: "request-refused", details: { reason: "occupied" } },
  });
  objects.message({ type: "INTERACT_DENIED", payload: { object_id: "chair", reason: "occupied" } });
  await asked;
  online = false;
  await expect(objects.request("chair", "sit")).rejects.toMatchObject({ problem: { code: "connection-lost" } });
});

it("knows whose the others' are", () => {
  const say = (m: ZoneMessage) => objects.message(m);
  say({ type: "OBJECT_OCCUPIED", payload: { object_id: "desk", user_id: "ada" } });
  expect(objects.all.get("desk")).toBe("ada");
  say({ type: "OBJECT_OCCUPIED", payload: { object_id: "desk", user_id: "ada" } });
  say({ type: "OBJECT_RELEASED", payload: { object_id: "desk" } });
  expect(changed).toEqual([
    ["desk", "ada"],
    ["desk", null],
  ]);
  expect(objects.message({ type: "PEER_LEFT", payload: { user_id: "ada" } })).toBe(false);
});

it("keeps a lock over a lost connection, and loses what the server does not list any more", () => {
  void objects.request("chair", "sit");
  granted("chair", "lock");
  void objects.request("desk", "use");
  granted("desk", "other");
  online = false;
  expect(objects.end("chair")).toBe(false);
  online = true;
  objects.listed([
    { object_id: "chair", user_id: "me" },
    { object_id: "desk", user_id: "ada" },
  ]);
  expect([...objects.held.keys()]).toEqual(["chair"]);
  expect(objects.all.get("desk")).toBe("ada");
  expect(objects.end("chair")).toBe(true);
});

it("leaves everything behind in another zone", () => {
  void objects.request("chair", "sit");
  granted("chair", "lock");
  objects.listed([]);
  expect(objects.held.size).toBe(0);
  expect(objects.all.size).toBe(0);
});
