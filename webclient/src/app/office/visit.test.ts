import { afterEach, expect, it, vi } from "vitest";
import { readParams } from "../params";
import { Visit } from "./visit";

afterEach(() => {
  vi.unstubAllGlobals();
});

it("tells a problem with a device once, and again when it is tried again", async () => {
  vi.stubGlobal("location", { href: "http://office.example/" });
  vi.stubGlobal("navigator", { mediaDevices: undefined });
  const visit = new Visit({ token: "t", worldId: "w" }, readParams({ search: "", hash: "" }));
  const told = vi.fn();
  visit.subscribe(told);
  await visit.setMic(true);
  expect(visit.state.notices.map((n) => n.key)).toEqual(["device-mic"]);
  expect(told).toHaveBeenCalledTimes(1);
  await visit.setMic(true);
  expect(visit.state.notices).toHaveLength(1);
  expect(told).toHaveBeenCalledTimes(2);
  visit.close();
});
