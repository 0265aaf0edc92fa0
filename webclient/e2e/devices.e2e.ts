import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Devices, launch, RESULTS, Visitor } from "./browser";
import { Server } from "./server";
import { until } from "./until";

const server = new Server(`${RESULTS}devices/`);
const browsers = new Map<Devices, Browser>();

beforeAll(() => server.start());

afterEach(() => Visitor.closeAll());

afterAll(async () => {
  await Promise.all([...browsers.values()].map((b) => b.close()));
  await server.close();
});

async function open(devices: Devices): Promise<Browser> {
  const browser = browsers.get(devices) ?? (await launch(devices));
  browsers.set(devices, browser);
  return browser;
}

describe("(f) a page without devices", () => {
  it.each([
    ["denied", "The browser may not use your"],
    ["none", "was found. Plug one in"],
  ] as const)("%s: says so, sees and hears the others, and walks", async (devices, words) => {
    const host = await Visitor.enter(await open("fake"), "Host");
    await host.arrived();
    const guest = await Visitor.enter(await open(devices), "Guest");
    await guest.arrived();
    for (const device of ["device-mic", "device-camera"]) {
      const said = await until(`${devices}: told about ${device}`, () => guest.notice(device));
      expect(said).toContain(words);
    }
    await until("the guest sees and hears the host", async () => {
      const [one] = await guest.snapshot();
      return one && one.framesDecoded > 10 && one.totalAudioEnergy > 0;
    });
    const id = await guest.userId();
    const seen = () =>
      host.page.evaluate((user) => {
        const p = window.atrium?.office.peers.get(user)?.position;
        return p && { x: p.x, y: p.y };
      }, id);
    const before = await until("the host sees the guest stand", seen);
    await guest.page.keyboard.down("ArrowUp");
    await until("the host sees the guest walk", async () => {
      const now = await seen();
      return now && before.y - now.y > 0.5;
    });
    await guest.page.keyboard.up("ArrowUp");
    await guest.screenshot(`f-${devices}`);
    expect([...host.errors, ...guest.errors]).toEqual([]);
  });

  it("asks for a click or a key where the browser plays no sound before one", async () => {
    const host = await Visitor.enter(await open("fake"), "Host");
    await host.arrived();
    const guest = await Visitor.enter(await open("silent"), "Guest", { mic: "0", camera: "0" });
    // Asking the guest's page anything counts as the click that it waits for: it tells of itself.
    const said = await until("told that nothing is heard", () => guest.told("autoplay"));
    const energy = async () => Math.max(0, ...(await guest.snapshot()).map((d) => d.totalAudioEnergy));
    expect(said).toContain("You cannot hear anyone yet");
    await guest.screenshot("f-autoplay");
    expect(await energy()).toBe(0);
    // A click on the banner does it, and so does any other, and any key.
    await guest.page.keyboard.press("ArrowLeft");
    await until("the host is heard", async () => (await energy()) > 0);
    await until("the banner is gone", async () => (await guest.notice("autoplay")) === undefined);
    expect([...host.errors, ...guest.errors]).toEqual([]);
  });
});
