import { beforeEach, expect, it } from "vitest";
import { Members } from "./members";
import type { Peer, User } from "./types";

const user = (id: string): User => ({ user_id: id, workspace_id: "w", display_name: id, avatar_id: "sky" });
const present = (id: string, x: number) => ({
  ...user(id),
  position: { x, y: 0 },
  facing: "north" as const,
  state: "sitting" as const,
});
const ids = (peers: Peer[]) => peers.map((p) => p.user.user_id);
let members: Members;
let changed: string[];

beforeEach(() => {
  changed = [];
  members = new Members({
    track: () => null,
    way: () => "p2p",
    active: () => true,
    changed: (peer, media) => changed.push(`${peer.user.user_id} ${media.source}`),
  });
});

it("compares with the list of a welcome: who stays keeps the object that the page holds", () => {
  members.listed([user("a"), user("b")], [present("a", 3)], false);
  const a = members.all.get("a");
  expect(a).toMatchObject({ position: { x: 3, y: 0 }, facing: "north", state: "sitting" });
  expect(members.all.get("b")).toMatchObject({ position: { x: 0, y: 0 }, facing: "south", state: "idle" });
  const { left, joined } = members.listed([user("a"), user("c")], [present("a", 5)], true);
  expect([ids(left), ids(joined)]).toEqual([["b"], ["c"]]);
  expect(members.all.get("a")).toBe(a);
  expect(a?.position.x).toBe(5);
});

it("in another zone everyone is new", () => {
  members.listed([user("a")], [], false);
  const { left, joined } = members.listed([user("a")], [], false);
  expect([ids(left), ids(joined)]).toEqual([["a"], ["a"]]);
});

it("tells what changed of a peer's media, once", () => {
  members.listed([user("a")], [], false);
  members.refresh("a");
  members.refresh("a");
  expect(changed).toEqual(["a mic", "a camera", "a screen"]);
});

it("forgets a mute that nobody tells again after a welcome", () => {
  members.listed([user("a"), user("b")], [], false);
  members.mute("a", 5000);
  members.mute("a", 5000);
  members.mute("b", 6000);
  expect(changed).toEqual(["a mic", "b mic"]);
  members.listed([user("a"), user("b")], [], true);
  members.mute("b", 6000);
  expect(members.all.get("a")?.mutedUntil).toBeNull();
  expect(members.all.get("b")?.mutedUntil).toBe(6000);
  members.mute("nobody", 1);
});
