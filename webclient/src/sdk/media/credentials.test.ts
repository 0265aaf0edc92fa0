import { expect, it } from "vitest";
import { CredentialStore, epochOf } from "./credentials";

const of = (epoch: number) => ({ urls: ["turn:x"], username: `9:u:z:${epoch}`, credential: `c${epoch}` });
const names = (servers: RTCIceServer[]) => servers.map((s) => s.credential);

it("reads the epoch of a TURN username", () => {
  expect(epochOf("9:u:z:12")).toBe(12);
  expect(epochOf("someone")).toBeUndefined();
});

it("gives the SFU the newest, and peers those of their epoch", () => {
  const store = new CredentialStore();
  expect(store.newest()).toEqual([]);
  store.add(of(1));
  store.add(of(2));
  expect(names(store.newest())).toEqual(["c2"]);
  expect(names(store.forEpoch(1))).toEqual(["c1"]);
  expect(names(store.forEpoch(undefined))).toEqual(["c2"]);
});

it("never offers a peer what an earlier topology was minted", () => {
  const store = new CredentialStore();
  store.add(of(2));
  expect(store.forEpoch(3)).toEqual([]);
  // Those of a change under way are good already.
  expect(names(store.forEpoch(1))).toEqual(["c2"]);
});

it("replaces what is renewed within an epoch and keeps few", () => {
  const store = new CredentialStore();
  store.add(of(1));
  store.add({ ...of(1), credential: "fresh" });
  expect(names(store.forEpoch(1))).toEqual(["fresh"]);
  for (const epoch of [2, 3, 4]) store.add(of(epoch));
  expect(names(store.forEpoch(1))).toEqual(["c4"]);
});
